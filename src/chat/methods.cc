#include <algorithm>
#include <string>

#include "base/str_cat.h"
#include "chat/builtins.h"
#include "chat/text.h"
#include "gguf/describe.h"

namespace lp::chat {
namespace {

// Argument `index` as text, nullptr where it is missing or none.
const std::string* Text(const Arguments& args, size_t index, std::string_view name) {
  const Value* v = args.Get(index, name);
  return v ? v->string() : nullptr;
}

long Count(const Arguments& args, size_t index, std::string_view name, long fallback) {
  const Value* v = args.Get(index, name);
  return v && v->integer() ? static_cast<long>(*v->integer()) : fallback;
}

Value StringList(const std::vector<std::string>& parts) { return Value(List(parts.begin(), parts.end())); }

// Any of several where the argument is a tuple.
Result<Value> HasAffix(const std::string& s, const Arguments& args, bool at_start) {
  const Value* v = args.Get(0, "");
  const List candidates = v && v->list() ? *v->list() : v ? List{*v} : List{};
  for (const Value& c : candidates) {
    if (!c.string()) return TemplateError("startswith and endswith look for strings");
    if (at_start ? s.starts_with(*c.string()) : s.ends_with(*c.string())) return Value(true);
  }
  if (candidates.empty()) return TemplateError("startswith and endswith need what to look for");
  return Value(false);
}

Result<Value> Lines(const std::string& s) {
  List out;
  for (size_t at = 0; at < s.size();) {
    const size_t end = std::min(s.find_first_of("\n\r", at), s.size());
    out.push_back(Value(s.substr(at, end - at)));
    at = end + (s.compare(end, 2, "\r\n") == 0 ? 2 : 1);
  }
  return Value(std::move(out));
}

Result<Value> Find(const std::string& s, const Arguments& args, bool last) {
  const std::string* what = Text(args, 0, "");
  if (!what) return TemplateError("find needs a string");
  const size_t at = last ? s.rfind(*what) : s.find(*what);
  if (at == s.npos) return Value(int64_t{-1});
  return Value(static_cast<int64_t>(CodePoints(std::string_view(s).substr(0, at)).size()));
}

Result<Value> StringMethod(const std::string& s, std::string_view name, const Arguments& args) {
  const std::string* text = Text(args, 0, "");
  if (name == "strip") return Value(Strip(s, Text(args, 0, "chars"), true, true));
  if (name == "lstrip") return Value(Strip(s, Text(args, 0, "chars"), true, false));
  if (name == "rstrip") return Value(Strip(s, Text(args, 0, "chars"), false, true));
  if (name == "upper") return Value(Upper(s));
  if (name == "lower") return Value(Lower(s));
  if (name == "title") return Value(Title(s));
  if (name == "capitalize") return Value(Capitalize(s));
  if (name == "startswith") return HasAffix(s, args, true);
  if (name == "endswith") return HasAffix(s, args, false);
  if (name == "splitlines") return Lines(s);
  if (name == "find") return Find(s, args, false);
  if (name == "rfind") return Find(s, args, true);
  if (name == "split" || name == "rsplit") {
    const std::string* separator = Text(args, 0, "sep");
    if (separator && separator->empty()) return TemplateError("split needs a separator that is not empty");
    return StringList(Split(s, separator ? *separator : "", Count(args, 1, "maxsplit", -1), name[0] == 'r'));
  }
  if (name == "replace") {
    const std::string* to = Text(args, 1, "new");
    if (!text || !to) return TemplateError("replace needs two strings");
    if (!ReplaceFits(s, *text, *to)) return TemplateError("replace makes too long a string");
    return Value(Replace(s, *text, *to, Count(args, 2, "count", -1)));
  }
  if (name == "count") {
    if (!text || text->empty()) return TemplateError("count needs a string that is not empty");
    return Value(static_cast<int64_t>(Split(s, *text, -1, false).size() - 1));
  }
  if (name == "removeprefix" && text) return Value(s.starts_with(*text) ? s.substr(text->size()) : s);
  if (name == "removesuffix" && text) return Value(s.ends_with(*text) ? s.substr(0, s.size() - text->size()) : s);
  if (name == "isdigit") {
    return Value(!s.empty() && std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; }));
  }
  if (name == "isspace") return Value(!s.empty() && Strip(s, nullptr, true, true).empty());
  if (name == "join") return ApplyFilter("join", args.Get(0, "") ? *args.Get(0, "") : Value(), {{Value(s)}, {}});
  return TemplateError(StrCat("the method ", Printable(name), " of strings is not supported"));
}

Result<Value> DictMethod(const Value& v, std::string_view name, const Arguments& args) {
  List out;
  if (name == "keys" || name == "values" || name == "items") {
    for (const auto& [key, value] : *v.dict()) {
      out.push_back(name == "keys" ? Value(key) : name == "values" ? value : Value::Tuple(List{Value(key), value}));
    }
    return Value(std::move(out));
  }
  if (name == "get") {
    const Value* key = args.Get(0, "");
    const Value* found = key && key->string() ? v.Find(*key->string()) : nullptr;
    const Value* fallback = args.Get(1, "");
    return found ? *found : fallback ? *fallback : Value(None{});
  }
  return TemplateError(StrCat("the method ", Printable(name), " of dicts is not supported"));
}

}  // namespace

Result<Value> CallMethod(const Value& value, std::string_view name, const Arguments& args) {
  if (value.string()) return StringMethod(*value.string(), name, args);
  if (value.dict()) return DictMethod(value, name, args);
  return TemplateError(StrCat(value.TypeName(), " has no method ", Printable(name)));
}

}  // namespace lp::chat
