#include <string>

#include "base/str_cat.h"
#include "chat/builtins.h"
#include "chat/text.h"
#include "gguf/describe.h"

namespace lp::chat {
namespace {

using Test = Result<Value> (*)(const Value&, const Value& other);

bool IsBelow(int order) { return order < 0; }
bool IsAbove(int order) { return order > 0; }
bool IsNotAbove(int order) { return order <= 0; }
bool IsNotBelow(int order) { return order >= 0; }
template <bool (*kHolds)(int)>
Result<Value> Ordered(const Value& v, const Value& other) {
  LP_ASSIGN_OR_RETURN(const int order, Compare(v, other));
  return Value(kHolds(order));
}

Result<Value> Remainder(const Value& v, int64_t divisor, int64_t wanted) {
  if (!v.integer() || divisor == 0) return TemplateError(StrCat("a remainder of ", v.TypeName()));
  const int64_t r = divisor == -1 ? 0 : *v.integer() % divisor;
  return Value((r < 0 ? r + std::abs(divisor) : r) == wanted);
}

Result<Value> IsIn(const Value& v, const Value& other) {
  if (other.string()) {
    if (!v.string()) return TemplateError(StrCat(v.TypeName(), " cannot be in a string"));
    return Value(other.string()->find(*v.string()) != std::string::npos);
  }
  LP_ASSIGN_OR_RETURN(const List items, Items(other));
  for (const Value& item : items) {
    if (Equal(item, v)) return Value(true);
  }
  return Value(false);
}

struct NamedTest {
  std::string_view name;
  Test test;
};
constexpr NamedTest kTests[] = {
    {"defined", [](const Value& v, const Value&) -> Result<Value> { return Value(!v.is_undefined()); }},
    {"undefined", [](const Value& v, const Value&) -> Result<Value> { return Value(v.is_undefined()); }},
    {"none", [](const Value& v, const Value&) -> Result<Value> { return Value(v.is_none()); }},
    {"string", [](const Value& v, const Value&) -> Result<Value> { return Value(v.string() != nullptr); }},
    {"boolean", [](const Value& v, const Value&) -> Result<Value> { return Value(v.boolean() != nullptr); }},
    {"integer", [](const Value& v, const Value&) -> Result<Value> { return Value(v.integer() != nullptr); }},
    {"float", [](const Value& v, const Value&) -> Result<Value> { return Value(v.real() != nullptr); }},
    {"number", [](const Value& v, const Value&) -> Result<Value> { return Value(v.is_number() || v.boolean()); }},
    {"mapping", [](const Value& v, const Value&) -> Result<Value> { return Value(v.dict() != nullptr); }},
    {"callable", [](const Value& v, const Value&) -> Result<Value> { return Value(v.function() != nullptr); }},
    {"iterable",
     [](const Value& v, const Value&) -> Result<Value> {
       return Value(v.string() || v.list() || v.dict() || v.is_undefined());
     }},
    {"sequence",
     [](const Value& v, const Value&) -> Result<Value> {
       return Value(v.string() || v.list() || v.dict() || v.is_undefined());
     }},
    {"true", [](const Value& v, const Value&) -> Result<Value> { return Value(v.boolean() && *v.boolean()); }},
    {"false", [](const Value& v, const Value&) -> Result<Value> { return Value(v.boolean() && !*v.boolean()); }},
    {"odd", [](const Value& v, const Value&) { return Remainder(v, 2, 1); }},
    {"even", [](const Value& v, const Value&) { return Remainder(v, 2, 0); }},
    {"divisibleby", [](const Value& v, const Value& n) { return Remainder(v, n.integer() ? *n.integer() : 0, 0); }},
    {"lower", [](const Value& v, const Value&) -> Result<Value> { return Value(Lower(Str(v)) == Str(v)); }},
    {"upper", [](const Value& v, const Value&) -> Result<Value> { return Value(Upper(Str(v)) == Str(v)); }},
    {"sameas",
     [](const Value& v, const Value& other) -> Result<Value> {
       return Value(v.TypeName() == other.TypeName() && Equal(v, other));
     }},
    {"eq", [](const Value& v, const Value& other) -> Result<Value> { return Value(Equal(v, other)); }},
    {"ne", [](const Value& v, const Value& other) -> Result<Value> { return Value(!Equal(v, other)); }},
    {"lt", Ordered<IsBelow>},
    {"le", Ordered<IsNotAbove>},
    {"gt", Ordered<IsAbove>},
    {"ge", Ordered<IsNotBelow>},
    {"in", IsIn},
};

constexpr std::pair<std::string_view, std::string_view> kOtherNames[] = {
    {"equalto", "eq"}, {"==", "eq"}, {"!=", "ne"},          {"<", "lt"},  {"lessthan", "lt"},
    {"<=", "le"},      {">", "gt"},  {"greaterthan", "gt"}, {">=", "ge"},
};

}  // namespace

Result<Value> ApplyTest(std::string_view name, const Value& value, const Arguments& args) {
  for (const auto& [other, known] : kOtherNames) {
    if (other == name) name = known;
  }
  const Value* other = args.Get(0, "");
  for (const NamedTest& t : kTests) {
    if (t.name == name) return t.test(value, other ? *other : Value());
  }
  return TemplateError(StrCat("the test \"is ", Printable(name), "\" is not supported"));
}

}  // namespace lp::chat
