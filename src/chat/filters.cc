#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include "base/str_cat.h"
#include "chat/builtins.h"
#include "chat/text.h"
#include "gguf/describe.h"

namespace lp::chat {
namespace {

using Filter = Result<Value> (*)(const Value&, const Arguments&);

const std::string* Text(const Arguments& args, size_t index, std::string_view name) {
  const Value* v = args.Get(index, name);
  return v ? v->string() : nullptr;
}

int64_t Integer(const Arguments& args, size_t index, std::string_view name, int64_t fallback) {
  const Value* v = args.Get(index, name);
  return v && v->integer() ? *v->integer() : fallback;
}

template <std::string (*kChange)(std::string_view)>
Result<Value> Change(const Value& v, const Arguments&) {
  return Value(kChange(Str(v)));
}

Result<Value> Trim(const Value& v, const Arguments& args) {
  return Value(std::string(Strip(Str(v), Text(args, 0, "chars"), true, true)));
}

Result<Value> Default(const Value& v, const Arguments& args) {
  const Value *fallback = args.Get(0, "default_value"), *falsy = args.Get(1, "boolean");
  const bool is_missing = v.is_undefined() || (falsy && falsy->Truth() && !v.Truth());
  return !is_missing ? v : fallback ? *fallback : Value("");
}

Result<Value> ToJson(const Value& v, const Arguments& args) {
  const int64_t indent = Integer(args, 99, "indent", args.positional.empty() ? -1 : Integer(args, 0, "", -1));
  if (indent > 16 || (indent > 0 && v.weight() > kMaxValueWeight / 16)) return TemplateError("tojson indents too much");
  LP_ASSIGN_OR_RETURN(std::string json, Json(v, static_cast<int>(std::max<int64_t>(-1, indent))));
  return Value(std::move(json));
}

Result<Value> Length(const Value& v, const Arguments&) {
  LP_ASSIGN_OR_RETURN(const List items, Items(v));
  return Value(static_cast<int64_t>(items.size()));
}

Result<Value> Join(const Value& v, const Arguments& args) {
  const std::string *separator = Text(args, 0, "d"), *attribute = Text(args, 1, "attribute");
  LP_ASSIGN_OR_RETURN(const List items, Items(v));
  if (separator && items.size() * separator->size() > kMaxValueWeight)
    return TemplateError("join makes too long a string");
  std::string out;
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0 && separator) out += *separator;
    out += Str(attribute ? Attribute(items[i], *attribute) : items[i]);
  }
  return Value(std::move(out));
}

template <bool kFirst>
Result<Value> End(const Value& v, const Arguments&) {
  LP_ASSIGN_OR_RETURN(const List items, Items(v));
  return items.empty() ? Value() : kFirst ? items.front() : items.back();
}

Result<Value> ToList(const Value& v, const Arguments&) {
  LP_ASSIGN_OR_RETURN(List items, Items(v));
  return Value(std::move(items));
}

Result<Value> Reverse(const Value& v, const Arguments&) {
  LP_ASSIGN_OR_RETURN(List items, Items(v));
  std::reverse(items.begin(), items.end());
  if (!v.string()) return Value(std::move(items));
  return Join(Value(std::move(items)), {});
}

Result<Value> Sort(const Value& v, const Arguments& args) {
  LP_ASSIGN_OR_RETURN(List items, Items(v));
  const Value* reverse = args.Get(0, "reverse");
  const std::string* attribute = Text(args, 2, "attribute");
  const auto key = [&](const Value& item) {
    const Value by = attribute ? Attribute(item, *attribute) : item;
    return by.string() ? Value(Lower(*by.string())) : by;  // case does not count unless asked for
  };
  for (size_t i = 1; i < items.size(); ++i) {  // what has no order must be found before std::sort relies on one
    LP_ASSIGN_OR_RETURN(const int unused, Compare(key(items[0]), key(items[i])));
    (void)unused;
  }
  const bool down = reverse && reverse->Truth();
  std::stable_sort(items.begin(), items.end(), [&](const Value& a, const Value& b) {
    const auto order = Compare(key(down ? b : a), key(down ? a : b));
    return order.ok() && *order < 0;
  });
  return Value(std::move(items));
}

Result<Value> Unique(const Value& v, const Arguments&) {
  LP_ASSIGN_OR_RETURN(const List items, Items(v));
  List out;
  for (const Value& item : items) {
    if (std::none_of(out.begin(), out.end(), [&](const Value& seen) { return Equal(seen, item); })) out.push_back(item);
  }
  return Value(std::move(out));
}

Result<Value> ToInt(const Value& v, const Arguments& args) {
  if (v.string()) {
    char* end = nullptr;
    const std::string text(Strip(*v.string(), nullptr, true, true));
    const long long n = std::strtoll(text.c_str(), &end, 10);
    if (text.empty() || *end != '\0') return Value(Integer(args, 0, "default", 0));
    return Value(static_cast<int64_t>(n));
  }
  if (v.integer()) return v;
  const double d = v.AsDouble();
  return Value(std::abs(d) < 9e18 ? static_cast<int64_t>(d) : Integer(args, 0, "default", 0));
}

Result<Value> ToFloat(const Value& v, const Arguments&) {
  return Value(v.string() ? std::strtod(v.string()->c_str(), nullptr) : v.AsDouble());
}

Result<Value> Absolute(const Value& v, const Arguments&) {
  if (v.integer()) return Value(*v.integer() < 0 ? -*v.integer() : *v.integer());
  return v.real() ? Result<Value>(Value(std::abs(*v.real()))) : TemplateError(StrCat("abs of ", v.TypeName()));
}

Result<Value> ReplaceText(const Value& v, const Arguments& args) {
  const std::string *from = Text(args, 0, "old"), *to = Text(args, 1, "new");
  if (!from || !to) return TemplateError("replace needs two strings");
  if (!ReplaceFits(Str(v), *from, *to)) return TemplateError("replace makes too long a string");
  return Value(Replace(Str(v), *from, *to, static_cast<long>(Integer(args, 2, "count", -1))));
}

Result<Value> Pairs(const Value& v, const Arguments&) {
  if (v.is_undefined()) return Value(List{});
  return CallMethod(v, "items", {});
}

Result<Value> DictSort(const Value& v, const Arguments&) {
  LP_ASSIGN_OR_RETURN(const Value pairs, CallMethod(v, "items", {}));
  List out = *pairs.list();
  std::stable_sort(out.begin(), out.end(), [](const Value& a, const Value& b) {
    return Lower(*(*a.list())[0].string()) < Lower(*(*b.list())[0].string());
  });
  return Value(std::move(out));
}

// map("filter") or map(attribute="name").
Result<Value> Map(const Value& v, const Arguments& args) {
  LP_ASSIGN_OR_RETURN(List items, Items(v));
  const std::string *attribute = Text(args, 99, "attribute"), *filter = Text(args, 0, "");
  if (!attribute && !filter) return TemplateError("map needs a filter or attribute=");
  Arguments rest = args;
  if (!attribute) rest.positional.erase(rest.positional.begin());
  for (Value& item : items) {
    if (attribute) {
      const Value* fallback = args.Get(99, "default");
      item = Attribute(item, *attribute);
      if (item.is_undefined() && fallback) item = *fallback;
    } else {
      LP_ASSIGN_OR_RETURN(item, ApplyFilter(*filter, item, rest));
    }
  }
  return Value(std::move(items));
}

// select("test", ...), selectattr("attribute", "test", ...) and their opposites.
template <bool kByAttribute, bool kWanted>
Result<Value> Select(const Value& v, const Arguments& args) {
  LP_ASSIGN_OR_RETURN(const List items, Items(v));
  const size_t at = kByAttribute ? 1 : 0;
  const std::string *attribute = Text(args, 0, ""), *test = Text(args, at, "");
  if (kByAttribute && !attribute) return TemplateError("selectattr and rejectattr need an attribute");
  Arguments rest;
  for (size_t i = at + 1; i < args.positional.size(); ++i) rest.positional.push_back(args.positional[i]);
  List out;
  for (const Value& item : items) {
    const Value tested = kByAttribute ? Attribute(item, *attribute) : item;
    bool holds = tested.Truth();
    if (test) {
      LP_ASSIGN_OR_RETURN(const Value result, ApplyTest(*test, tested, rest));
      holds = result.Truth();
    }
    if (holds == kWanted) out.push_back(item);
  }
  return Value(std::move(out));
}

// All lines but the first (unless asked for), empty ones not (unless asked for).
Result<Value> Indent(const Value& v, const Arguments& args) {
  const Value *first = args.Get(1, "first"), *blank = args.Get(2, "blank");
  const std::string* text = Text(args, 0, "width");
  const int64_t width = Integer(args, 0, "width", 4);
  if (width < 0 || width > 100) return TemplateError("indent takes widths up to 100");
  const std::string space = text ? *text : std::string(static_cast<size_t>(width), ' ');
  std::string out;
  const std::vector<std::string> lines = Split(Str(v), "\n", -1, false);
  if (lines.size() * space.size() > kMaxValueWeight) return TemplateError("indent makes too long a string");
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += '\n';
    const bool wanted = i > 0 ? !lines[i].empty() || (blank && blank->Truth()) : first && first->Truth();
    out += (wanted ? space : "") + lines[i];
  }
  return Value(std::move(out));
}

Result<Value> Escape(const Value& v, const Arguments&) {
  std::string out;
  for (const char c : Str(v)) {
    out += c == '&'    ? "&amp;"
           : c == '<'  ? "&lt;"
           : c == '>'  ? "&gt;"
           : c == '"'  ? "&#34;"
           : c == '\'' ? "&#39;"
                       : std::string(1, c);
  }
  return Value(std::move(out));
}

Result<Value> AsIs(const Value& v, const Arguments&) { return v; }
Result<Value> ToString(const Value& v, const Arguments&) { return Value(Str(v)); }

constexpr std::pair<std::string_view, Filter> kFilters[] = {
    {"abs", Absolute},
    {"capitalize", Change<Capitalize>},
    {"count", Length},
    {"d", Default},
    {"default", Default},
    {"dictsort", DictSort},
    {"e", Escape},
    {"escape", Escape},
    {"first", End<true>},
    {"float", ToFloat},
    {"indent", Indent},
    {"int", ToInt},
    {"items", Pairs},
    {"join", Join},
    {"last", End<false>},
    {"length", Length},
    {"list", ToList},
    {"lower", Change<Lower>},
    {"map", Map},
    {"reject", Select<false, false>},
    {"rejectattr", Select<true, false>},
    {"replace", ReplaceText},
    {"reverse", Reverse},
    {"safe", AsIs},
    {"select", Select<false, true>},
    {"selectattr", Select<true, true>},
    {"sort", Sort},
    {"string", ToString},
    {"title", Change<Title>},
    {"tojson", ToJson},
    {"trim", Trim},
    {"unique", Unique},
    {"upper", Change<Upper>},
};

}  // namespace

Result<Value> ApplyFilter(std::string_view name, const Value& value, const Arguments& args) {
  for (const auto& [known, filter] : kFilters) {
    if (known == name) return filter(value, args);
  }
  return TemplateError(StrCat("the filter \"", Printable(name), "\" is not supported"));
}

Result<List> Items(const Value& value) {
  if (value.list()) return *value.list();
  List out;
  if (value.is_undefined()) return out;
  if (value.dict()) {
    for (const auto& [key, unused] : *value.dict()) out.push_back(Value(key));
    return out;
  }
  if (!value.string()) return TemplateError(StrCat(value.TypeName(), " is nothing to go through"));
  for (const std::string_view c : CodePoints(*value.string())) out.push_back(Value(c));
  return out;
}

Value Attribute(const Value& value, std::string_view name) {
  const Value* found = value.Find(name);
  return found ? *found : Value(Undefined{std::string(name)});
}

}  // namespace lp::chat
