#include <algorithm>
#include <cmath>

#include "base/str_cat.h"
#include "chat/builtins.h"
#include "chat/evaluator.h"
#include "chat/text.h"
#include "gguf/describe.h"

namespace lp::chat {
namespace {

constexpr size_t kMaxDepth = 400;  // as in evaluator.cc

Error IsUndefined(const Value& v) {
  return TemplateError(StrCat("\"", Printable(v.undefined()->name), "\" is undefined"));
}

Result<Value> Arithmetic(const std::string& op, const Value& a, const Value& b) {
  if (a.is_undefined() || b.is_undefined()) return IsUndefined(a.is_undefined() ? a : b);
  if (op == "+" && a.string() && b.string()) return Value(*a.string() + *b.string());
  if (op == "+" && a.list() && b.list()) {
    List out = *a.list();
    out.insert(out.end(), b.list()->begin(), b.list()->end());
    return Value(std::move(out));
  }
  if (op == "*" && a.string() && b.integer()) {
    const size_t n = static_cast<size_t>(std::max<int64_t>(0, *b.integer()));
    if (n > kMaxValueWeight / (1 + a.string()->size())) return TemplateError("a string is repeated too often");
    std::string out;
    for (size_t i = 0; i < n; ++i) out += *a.string();
    return Value(std::move(out));
  }
  if (!a.is_number() || !b.is_number()) {
    return TemplateError(StrCat(op, " between ", a.TypeName(), " and ", b.TypeName(), " is not supported"));
  }
  const double x = a.AsDouble(), y = b.AsDouble();
  if (y == 0 && (op == "/" || op == "//" || op == "%")) return TemplateError("division by zero");
  if (op == "/") return Value(x / y);
  if (op == "**") {
    const double power = std::pow(x, y);
    const bool is_whole = a.integer() && b.integer() && *b.integer() >= 0 && std::abs(power) < 9e15;
    return is_whole ? Value(static_cast<int64_t>(power)) : Value(power);
  }
  if (a.integer() && b.integer()) {
    const int64_t m = *a.integer(), n = *b.integer();
    int64_t out = 0;
    bool overflows = false;
    if (op == "+") overflows = __builtin_add_overflow(m, n, &out);
    if (op == "-") overflows = __builtin_sub_overflow(m, n, &out);
    if (op == "*") overflows = __builtin_mul_overflow(m, n, &out);
    if (op == "//" || op == "%") {  // rounded down, as Python does
      if (n == -1) return op == "%" ? Result<Value>(Value(int64_t{0})) : Arithmetic("-", Value(int64_t{0}), a);
      const int64_t remainder = m % n, down = remainder != 0 && (remainder < 0) != (n < 0);
      out = op == "//" ? m / n - down : remainder + down * n;
    }
    return overflows ? Result<Value>(TemplateError("a number is too large")) : Value(out);
  }
  if (op == "+") return Value(x + y);
  if (op == "-") return Value(x - y);
  if (op == "*") return Value(x * y);
  if (op == "//") return Value(std::floor(x / y));
  return Value(x - y * std::floor(x / y));
}

}  // namespace

Result<Value> Evaluator::Eval(const Expr& e) {
  if (++depth_ > kMaxDepth) {
    --depth_;
    return TemplateError("the template is nested too deeply");
  }
  Result<Value> value = Compute(e);
  --depth_;
  if (value.ok()) {
    if (value->depth() > kMaxValueDepth) value = TemplateError("a value is nested too deeply, or holds a namespace");
  }
  if (value.ok() && value->weight() > kMaxValueWeight) value = TemplateError("a value is too large");
  if (value.ok()) {
    if (const Status status = Charge(1 + value->weight() / 64); !status.ok()) value = status.error();
  }
  if (!value.ok() && value.error().where.empty()) {
    return Error{value.error().code, value.error().message, StrCat("line ", e.line)};
  }
  return value;
}

Result<Value> Evaluator::Compute(const Expr& e) {
  switch (e.kind) {
    case ExprKind::kLiteral:
      return e.value;
    case ExprKind::kName:
      return Lookup(e.text);
    case ExprKind::kList:
    case ExprKind::kTuple: {
      List out;
      for (const ExprPtr& child : e.children) {
        LP_ASSIGN_OR_RETURN(Value item, Eval(*child));
        out.push_back(std::move(item));
      }
      return e.kind == ExprKind::kTuple ? Value::Tuple(std::move(out)) : Value(std::move(out));
    }
    case ExprKind::kDict: {
      Dict out;
      for (size_t i = 0; i < e.children.size(); i += 2) {
        LP_ASSIGN_OR_RETURN(const Value key, Eval(*e.children[i]));
        LP_ASSIGN_OR_RETURN(Value value, Eval(*e.children[i + 1]));
        if (!key.string()) return TemplateError("the keys of a dict must be strings");
        const auto same = std::find_if(out.begin(), out.end(), [&](const auto& p) { return p.first == *key.string(); });
        if (same != out.end()) {
          same->second = std::move(value);
        } else {
          out.emplace_back(*key.string(), std::move(value));
        }
      }
      return Value(std::move(out));
    }
    case ExprKind::kAttribute: {
      LP_ASSIGN_OR_RETURN(const Value base, Eval(*e.children[0]));
      if (base.is_undefined()) return IsUndefined(base);
      return Attribute(base, e.text);
    }
    case ExprKind::kItem:
      return Item(e);
    case ExprKind::kSlice:
      return Slice(e);
    case ExprKind::kCall:
      return Call(e);
    case ExprKind::kFilter:
    case ExprKind::kTest: {
      LP_ASSIGN_OR_RETURN(const Value value, Eval(*e.children[0]));
      LP_ASSIGN_OR_RETURN(const Arguments args, EvalArguments(e, 1));
      return e.kind == ExprKind::kFilter ? ApplyFilter(e.text, value, args) : ApplyTest(e.text, value, args);
    }
    case ExprKind::kUnary:
      return Unary(e);
    case ExprKind::kBinary:
      return Binary(e);
    case ExprKind::kIf: {
      LP_ASSIGN_OR_RETURN(const Value condition, Eval(*e.children[1]));
      if (condition.Truth()) return Eval(*e.children[0]);
      return e.children[2] ? Eval(*e.children[2]) : Result<Value>(Value());
    }
  }
  return Value();
}

Result<Arguments> Evaluator::EvalArguments(const Expr& e, size_t first) {
  Arguments out;
  for (size_t i = first; i < e.children.size(); ++i) {
    LP_ASSIGN_OR_RETURN(Value value, Eval(*e.children[i]));
    out.positional.push_back(std::move(value));
  }
  for (const auto& [name, expr] : e.named) {
    LP_ASSIGN_OR_RETURN(Value value, Eval(*expr));
    out.named.emplace_back(name, std::move(value));
  }
  return out;
}

// What is not there is undefined, as Jinja has it; only what is undefined itself has no items.
Result<Value> Evaluator::Item(const Expr& e) {
  LP_ASSIGN_OR_RETURN(const Value base, Eval(*e.children[0]));
  LP_ASSIGN_OR_RETURN(const Value key, Eval(*e.children[1]));
  if (base.is_undefined()) return IsUndefined(base);
  if (key.string()) return Attribute(base, *key.string());
  if (!key.integer() || (!base.list() && !base.string())) return Value(Undefined{"an item"});
  LP_ASSIGN_OR_RETURN(const List items, Items(base));
  const auto n = static_cast<int64_t>(items.size());
  const int64_t at = *key.integer() < 0 ? *key.integer() + n : *key.integer();
  if (at < 0 || at >= n) return Value(Undefined{StrCat("item ", *key.integer())});
  return items[static_cast<size_t>(at)];
}

Result<Value> Evaluator::Slice(const Expr& e) {
  LP_ASSIGN_OR_RETURN(const Value base, Eval(*e.children[0]));
  if (base.is_undefined()) return IsUndefined(base);
  if (!base.list() && !base.string()) return Value(Undefined{"a slice"});
  LP_ASSIGN_OR_RETURN(const List items, Items(base));
  const auto n = static_cast<int64_t>(items.size());
  int64_t step = 1;
  const auto part = [&](size_t i, int64_t fallback) -> Result<int64_t> {
    if (!e.children[i]) return fallback;
    LP_ASSIGN_OR_RETURN(const Value v, Eval(*e.children[i]));
    if (v.is_none()) return fallback;
    if (!v.integer()) return TemplateError("a slice needs integers");
    if (i == 3) return *v.integer();
    const int64_t at = *v.integer() < 0 ? std::max<int64_t>(*v.integer(), -n - 1) + n : std::min(*v.integer(), n);
    return step > 0 ? std::max<int64_t>(at, 0) : std::clamp<int64_t>(at, -1, n - 1);
  };
  LP_ASSIGN_OR_RETURN(step, part(3, 1));
  if (step == 0) return TemplateError("a slice needs a step that is not 0");
  step = std::clamp<int64_t>(step, -n - 1, n + 1);  // beyond that the first item is the only one
  LP_ASSIGN_OR_RETURN(const int64_t begin, part(1, step > 0 ? 0 : n - 1));
  LP_ASSIGN_OR_RETURN(const int64_t end, part(2, step > 0 ? n : -1));
  List out;
  for (int64_t i = begin; step > 0 ? i < end : i > end; i += step) out.push_back(items[static_cast<size_t>(i)]);
  if (base.list()) return Value(std::move(out));
  return ApplyFilter("join", Value(std::move(out)), {});
}

Result<Value> Evaluator::Call(const Expr& e) {
  const Expr& callee = *e.children[0];
  Value base, function;
  if (callee.kind == ExprKind::kAttribute) {
    LP_ASSIGN_OR_RETURN(base, Eval(*callee.children[0]));
    if (base.is_undefined()) return IsUndefined(base);
    function = Attribute(base, callee.text);
  } else {
    LP_ASSIGN_OR_RETURN(function, Eval(callee));
  }
  LP_ASSIGN_OR_RETURN(const Arguments args, EvalArguments(e, 1));
  if (function.function()) return (*function.function())(args);
  if (callee.kind == ExprKind::kAttribute) return CallMethod(base, callee.text, args);
  if (function.is_undefined()) return IsUndefined(function);
  return TemplateError(StrCat(function.TypeName(), " cannot be called"));
}

Result<Value> Evaluator::Unary(const Expr& e) {
  LP_ASSIGN_OR_RETURN(const Value v, Eval(*e.children[0]));
  if (e.text == "not") return Value(!v.Truth());
  if (e.text == "+" && v.is_number()) return v;
  return v.real() ? Value(-*v.real()) : Arithmetic("-", Value(int64_t{0}), v);
}

Result<Value> Evaluator::Binary(const Expr& e) {
  LP_ASSIGN_OR_RETURN(Value a, Eval(*e.children[0]));
  if (e.text == "and" || e.text == "or") return a.Truth() == (e.text == "or") ? a : Eval(*e.children[1]);
  LP_ASSIGN_OR_RETURN(const Value b, Eval(*e.children[1]));
  if (e.text == "==") return Value(Equal(a, b));
  if (e.text == "!=") return Value(!Equal(a, b));
  if (e.text == "~") return Value(Str(a) + Str(b));
  if (e.text == "in") return ApplyTest("in", a, {{b}, {}});
  if (e.text == "not in") {
    LP_ASSIGN_OR_RETURN(const Value is_in, ApplyTest("in", a, {{b}, {}}));
    return Value(!is_in.Truth());
  }
  if (e.text[0] != '<' && e.text[0] != '>') return Arithmetic(e.text, a, b);
  if (a.is_undefined() || b.is_undefined()) return IsUndefined(a.is_undefined() ? a : b);
  LP_ASSIGN_OR_RETURN(const int order, Compare(a, b));
  if (e.text == "<") return Value(order < 0);
  if (e.text == "<=") return Value(order <= 0);
  return Value(e.text == ">" ? order > 0 : order >= 0);
}

}  // namespace lp::chat
