// What a template computes with: Python's values as far as chat templates use them.
//
// Lists, dicts and namespaces are shared, as in Python, hence shared_ptr here. Only a namespace changes after it was
// made, and no value may hold one (depth() is what refuses it), so there are no cycles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace lp::chat {

class Value;
struct Undefined {
  std::string name;  // what was asked for: "messages[0].tool_calls"
};
struct None {};
using List = std::vector<Value>;
using Dict = std::vector<std::pair<std::string, Value>>;  // in the order of insertion; keys are strings
struct Namespace {
  std::map<std::string, Value> values;
};
struct Arguments;
using Function = std::function<Result<Value>(const Arguments&)>;

// Templates come from files we did not make. A value nested deeper than this or heavier is refused as it is made (by
// the evaluator, after every expression): that bounds the recursion of whatever walks through a value, its destructor
// among them, and the memory of all that is made of it.
inline constexpr size_t kMaxValueDepth = 64;
inline constexpr size_t kMaxValueWeight = size_t{4} << 20;  // bytes of strings, and 64 an item of lists and dicts

class Value {
 public:
  Value() : state_(Undefined{}) {}
  Value(Undefined u) : state_(std::move(u)) {}  // NOLINT: implicit on purpose, as all of these
  Value(None) : state_(None{}) {}
  Value(bool v) : state_(v) {}
  Value(int64_t v) : state_(v) {}
  Value(double v) : state_(v) {}
  Value(std::string v) : weight_(v.size()) { state_ = std::move(v); }
  Value(std::string_view v) : Value(std::string(v)) {}
  Value(const char* v) : Value(std::string(v)) {}
  Value(List v);
  Value(Dict v);
  static Value Tuple(List v);  // a list that prints with round brackets and equals no list
  Value(std::shared_ptr<Namespace> v) : state_(std::move(v)), depth_(kMaxValueDepth) {}
  Value(Function v) : state_(std::make_shared<const Function>(std::move(v))) {}

  bool is_undefined() const { return std::holds_alternative<Undefined>(state_); }
  bool is_none() const { return std::holds_alternative<None>(state_); }
  bool is_number() const { return std::holds_alternative<int64_t>(state_) || std::holds_alternative<double>(state_); }
  // nullptr where it is something else.
  const Undefined* undefined() const { return std::get_if<Undefined>(&state_); }
  const bool* boolean() const { return std::get_if<bool>(&state_); }
  const int64_t* integer() const { return std::get_if<int64_t>(&state_); }
  const double* real() const { return std::get_if<double>(&state_); }
  const std::string* string() const { return std::get_if<std::string>(&state_); }
  const List* list() const { return Shared<List>(); }  // or tuple
  bool is_tuple() const { return is_tuple_; }
  const Dict* dict() const { return Shared<Dict>(); }
  const Function* function() const { return Shared<Function>(); }
  Namespace* ns() const {
    const auto* p = std::get_if<std::shared_ptr<Namespace>>(&state_);
    return p ? p->get() : nullptr;
  }

  size_t depth() const { return depth_; }    // 0 for what holds nothing
  size_t weight() const { return weight_; }  // with all that it holds

  bool Truth() const;
  double AsDouble() const;  // of a number or bool, else 0
  std::string_view TypeName() const;

  const Value* Find(std::string_view key) const;  // of a dict or namespace; nullptr where it is not there

 private:
  template <class T>
  const T* Shared() const {
    const auto* p = std::get_if<std::shared_ptr<const T>>(&state_);
    return p ? p->get() : nullptr;
  }

  std::variant<Undefined, None, bool, int64_t, double, std::string, std::shared_ptr<const List>,
               std::shared_ptr<const Dict>, std::shared_ptr<Namespace>, std::shared_ptr<const Function>>
      state_;
  size_t depth_ = 0, weight_ = 0;
  bool is_tuple_ = false;
};

// What a filter, test, method or function is called with.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;

  // Argument `index`, or that of the name; nullptr where it was not given.
  const Value* Get(size_t index, std::string_view name) const;
};

// Errors of a template, before the line is known.
inline Error TemplateError(std::string message) { return {ErrorCode::kUnsupported, std::move(message), ""}; }

bool Equal(const Value& a, const Value& b);
// Below 0, 0, above 0; an error where Python has no order.
Result<int> Compare(const Value& a, const Value& b);

std::string Str(const Value& v);   // what {{ v }} prints
std::string Repr(const Value& v);  // Python's repr: strings quoted
// As Python's json.dumps(v, ensure_ascii=False, indent=...), which is what transformers gives templates as tojson.
Result<std::string> Json(const Value& v, int indent = -1);

}  // namespace lp::chat
