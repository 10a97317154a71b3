#include "chat/evaluator.h"

#include <algorithm>

#include "base/str_cat.h"
#include "chat/builtins.h"
#include "gguf/describe.h"

namespace lp::chat {
namespace {

// A template of a chat of a thousand messages does some 10^5 steps of a few bytes each. All there may be take a second.
constexpr size_t kMaxWork = 20'000'000, kMaxOutput = size_t{16} << 20;  // steps; bytes
constexpr size_t kMaxDepth = 400;                                       // of nested statements, expressions and calls

}  // namespace

struct Evaluator::Depth {
  explicit Depth(size_t& n) : n_(++n) {}
  ~Depth() { --n_; }
  size_t& n_;
};

Evaluator::Evaluator(Dict globals) {
  for (auto& [name, value] : globals) globals_[name] = std::move(value);
}

Result<std::string> Evaluator::Render(const Block& block) {
  std::string out;
  LP_ASSIGN_OR_RETURN(const Flow flow, Run(block, out));
  if (flow != Flow::kOn) return TemplateError("the template has a break or continue outside of a loop");
  return out;
}

Status Evaluator::Charge(size_t work) {
  work_ += work;
  if (work_ > kMaxWork) return TemplateError("the template takes too long");
  return Ok();
}

Value Evaluator::Lookup(const std::string& name) const {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (const auto it = scope->find(name); it != scope->end()) return it->second;
  }
  const auto it = globals_.find(name);
  return it != globals_.end() ? it->second : Value(Undefined{name});
}

void Evaluator::Assign(const std::string& name, Value value) {
  (scopes_.empty() ? globals_ : scopes_.back())[name] = std::move(value);
}

Status Evaluator::Unpack(const std::vector<std::string>& names, const Value& value) {
  if (names.size() == 1) {
    Assign(names[0], value);
    return Ok();
  }
  LP_ASSIGN_OR_RETURN(const List items, Items(value));
  if (items.size() != names.size()) {
    return TemplateError(StrCat(items.size(), " values cannot be given to ", names.size(), " names"));
  }
  for (size_t i = 0; i < names.size(); ++i) Assign(names[i], items[i]);
  return Ok();
}

Status Evaluator::Print(std::string_view text, std::string& out) {
  if (out.size() + text.size() > kMaxOutput) return TemplateError("the template prints too much");
  out += text;
  return Ok();
}

Result<Evaluator::Flow> Evaluator::Run(const Block& block, std::string& out) {
  const Depth depth(depth_);
  if (depth_ > kMaxDepth) return TemplateError("the template is nested too deeply");
  for (const auto& statement : block) {
    LP_RETURN_IF_ERROR(Charge(1));
    Result<Flow> flow = RunOne(*statement, out);
    if (!flow.ok()) {
      Error error = flow.error();
      if (error.where.empty()) error.where = StrCat("line ", statement->line);
      return error;
    }
    if (*flow != Flow::kOn) return flow;
  }
  return Flow::kOn;
}

Result<Evaluator::Flow> Evaluator::RunOne(const Statement& s, std::string& out) {
  switch (s.kind) {
    case StatementKind::kText:
      LP_RETURN_IF_ERROR(Print(s.text, out));
      return Flow::kOn;
    case StatementKind::kPrint: {
      LP_ASSIGN_OR_RETURN(const Value value, Eval(*s.expr));
      LP_RETURN_IF_ERROR(Print(Str(value), out));
      return Flow::kOn;
    }
    case StatementKind::kIf: {
      LP_ASSIGN_OR_RETURN(const Value condition, Eval(*s.expr));
      return Run(condition.Truth() ? s.body : s.otherwise, out);
    }
    case StatementKind::kFor:
      return RunFor(s, out);
    case StatementKind::kSet:
    case StatementKind::kSetBlock:
      return RunSet(s);
    case StatementKind::kMacro:
      DefineMacro(s);
      return Flow::kOn;
    case StatementKind::kBlock:
      return Run(s.body, out);
    case StatementKind::kBreak:
      return Flow::kBreak;
    case StatementKind::kContinue:
      return Flow::kContinue;
  }
  return Flow::kOn;
}

Result<Evaluator::Flow> Evaluator::RunFor(const Statement& s, std::string& out) {
  LP_ASSIGN_OR_RETURN(const Value over, Eval(*s.expr));
  LP_ASSIGN_OR_RETURN(List items, Items(over));
  scopes_.emplace_back();
  const auto leave = [&](Result<Flow> flow) {
    scopes_.pop_back();
    return flow;
  };
  if (s.condition) {
    List kept;
    for (Value& item : items) {
      if (const Status status = Unpack(s.names, item); !status.ok()) return leave(status.error());
      const Result<Value> holds = Eval(*s.condition);
      if (!holds.ok()) return leave(holds.error());
      if (holds->Truth()) kept.push_back(std::move(item));
    }
    items = std::move(kept);
  }
  const auto n = static_cast<int64_t>(items.size());
  for (int64_t i = 0; i < n; ++i) {
    const auto at = static_cast<size_t>(i);
    if (const Status status = Charge(16); !status.ok()) return leave(status.error());
    scopes_.back().clear();  // what an iteration sets is gone in the next
    if (const Status status = Unpack(s.names, items[at]); !status.ok()) return leave(status.error());
    const auto cycle = [i](const Arguments& args) -> Result<Value> {
      if (args.positional.empty()) return TemplateError("loop.cycle needs values");
      return args.positional[static_cast<size_t>(i) % args.positional.size()];
    };
    Assign("loop", Value(Dict{{"index", Value(i + 1)},
                              {"index0", Value(i)},
                              {"revindex", Value(n - i)},
                              {"revindex0", Value(n - i - 1)},
                              {"first", Value(i == 0)},
                              {"last", Value(i + 1 == n)},
                              {"length", Value(n)},
                              {"previtem", i > 0 ? items[at - 1] : Value(Undefined{"loop.previtem"})},
                              {"nextitem", i + 1 < n ? items[at + 1] : Value(Undefined{"loop.nextitem"})},
                              {"cycle", Value(Function(cycle))}}));
    Result<Flow> flow = Run(s.body, out);
    if (!flow.ok()) return leave(flow);
    if (*flow == Flow::kBreak) break;
  }
  scopes_.pop_back();
  return n == 0 ? Run(s.otherwise, out) : Result<Flow>(Flow::kOn);
}

Result<Evaluator::Flow> Evaluator::RunSet(const Statement& s) {
  if (s.kind == StatementKind::kSetBlock) {
    std::string printed;
    LP_ASSIGN_OR_RETURN(const Flow flow, Run(s.body, printed));
    if (printed.size() > kMaxValueWeight) return TemplateError("a {% set %} block prints too much");
    Assign(s.names[0], Value(std::move(printed)));
    return flow;
  }
  LP_ASSIGN_OR_RETURN(Value value, Eval(*s.expr));
  if (s.attribute.empty()) {
    LP_RETURN_IF_ERROR(Unpack(s.names, value));
    return Flow::kOn;
  }
  const Value target = Lookup(s.names[0]);
  if (!target.ns())
    return TemplateError(StrCat(Printable(s.names[0]), " is no namespace: its attributes cannot be set"));
  if (value.depth() >= kMaxValueDepth) {
    return TemplateError("a value is nested too deeply for a namespace, which cannot hold another");
  }
  target.ns()->values[s.attribute] = std::move(value);
  return Flow::kOn;
}

void Evaluator::DefineMacro(const Statement& s) {
  Assign(s.text, Value(Function([this, &s](const Arguments& args) { return CallMacro(s, args); })));
}

// A macro sees the template's own names and its arguments, not the loops around its call.
Result<Value> Evaluator::CallMacro(const Statement& s, const Arguments& args) {
  if (args.positional.size() > s.names.size())
    return TemplateError(StrCat("too many arguments for ", Printable(s.text)));
  std::vector<Scope> outer(1);
  scopes_.swap(outer);
  const auto leave = [&](Result<Value> result) {
    scopes_.swap(outer);
    return result;
  };
  for (size_t i = 0; i < s.names.size(); ++i) {
    if (const Value* given = args.Get(i, s.names[i])) {
      Assign(s.names[i], *given);
    } else if (s.defaults[i]) {
      Result<Value> value = Eval(*s.defaults[i]);
      if (!value.ok()) return leave(value);
      Assign(s.names[i], std::move(value).value());
    } else {
      Assign(s.names[i], Value(Undefined{s.names[i]}));
    }
  }
  std::string out;
  const Result<Flow> flow = Run(s.body, out);
  if (!flow.ok()) return leave(flow.error());
  return leave(Value(std::move(out)));
}

}  // namespace lp::chat
