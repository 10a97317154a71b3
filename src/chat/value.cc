#include "chat/value.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "base/str_cat.h"
#include "base/utf8.h"
#include "chat/text.h"

namespace lp::chat {
namespace {

constexpr size_t kItemWeight = 64;

// The shortest digits that read back as v, written as Python does.
std::string FloatText(double v) {
  if (std::isnan(v)) return "nan";
  if (std::isinf(v)) return v < 0 ? "-inf" : "inf";
  char buffer[40];
  for (int digits = 1; digits <= 17; ++digits) {
    std::snprintf(buffer, sizeof(buffer), "%.*e", digits - 1, v);
    if (std::strtod(buffer, nullptr) == v) break;
  }
  // "d.ddde+XX": as a plain number where the exponent is in [-4, 16), as repr() has it.
  const std::string text = buffer;
  const size_t e = text.find('e');
  const int exponent = std::atoi(text.c_str() + e + 1);
  if (exponent < -4 || exponent >= 16) return text;
  const size_t digits = e - (text[0] == '-') - (e > 1 + size_t{text[0] == '-'});
  const int decimals = std::max(1, static_cast<int>(digits) - 1 - exponent);
  std::snprintf(buffer, sizeof(buffer), "%.*f", decimals, v);
  return buffer;
}

void AppendEscape(std::string& out, unsigned char c, const char* form) {
  char buffer[8];
  std::snprintf(buffer, sizeof(buffer), form, c);
  out += buffer;
}

// Python prefers single quotes, unless only they occur inside. It also writes rarer white space than U+00A0 as escapes.
std::string QuotePython(std::string_view s) {
  const char quote = s.find('\'') != s.npos && s.find('"') == s.npos ? '"' : '\'';
  std::string out(1, quote);
  for (const std::string_view point : CodePoints(s)) {
    const char c = point[0];
    const char32_t code = point.size() > 1 ? DecodeUtf8(point).code_point : 0;
    if (code == 0xA0 || code == 0xAD || (code >= 0x80 && code < 0xA0)) {
      AppendEscape(out, static_cast<unsigned char>(code), "\\x%02x");
    } else if (code != 0) {
      out += point;
    } else if (c == quote || c == '\\') {
      (out += '\\') += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (static_cast<unsigned char>(c) < 32 || c == 127) {
      AppendEscape(out, static_cast<unsigned char>(c), "\\x%02x");
    } else {
      out += c;
    }
  }
  return out += quote;
}

std::string QuoteJson(std::string_view s) {
  std::string out = "\"";
  for (const char c : s) {
    constexpr std::string_view kFrom = "\"\\\n\t\r\b\f", kTo = "\"\\ntrbf";
    if (const size_t at = kFrom.find(c); at != kFrom.npos) {
      (out += '\\') += kTo[at];
    } else if (static_cast<unsigned char>(c) < 32) {
      AppendEscape(out, static_cast<unsigned char>(c), "\\u%04x");
    } else {
      out += c;
    }
  }
  return out += '"';
}

Status AppendJson(const Value& v, int indent, int depth, std::string& out) {
  const auto line = [&](int at) {
    if (indent >= 0) out += '\n' + std::string(static_cast<size_t>(indent) * static_cast<size_t>(at), ' ');
  };
  const char* comma = indent >= 0 ? "," : ", ";
  if (v.is_none()) {
    out += "null";
  } else if (v.boolean()) {
    out += *v.boolean() ? "true" : "false";
  } else if (v.string()) {
    out += QuoteJson(*v.string());
  } else if (v.is_number()) {
    out += Str(v);
  } else if (v.list()) {
    out += '[';
    for (size_t i = 0; i < v.list()->size(); ++i) {
      if (i > 0) out += comma;
      line(depth + 1);
      LP_RETURN_IF_ERROR(AppendJson((*v.list())[i], indent, depth + 1, out));
    }
    if (!v.list()->empty()) line(depth);
    out += ']';
  } else if (v.dict()) {
    out += '{';
    for (size_t i = 0; i < v.dict()->size(); ++i) {
      if (i > 0) out += comma;
      line(depth + 1);
      out += QuoteJson((*v.dict())[i].first) + ": ";
      LP_RETURN_IF_ERROR(AppendJson((*v.dict())[i].second, indent, depth + 1, out));
    }
    if (!v.dict()->empty()) line(depth);
    out += '}';
  } else {
    return TemplateError(StrCat("tojson of ", v.TypeName()));
  }
  return Ok();
}

}  // namespace

Value::Value(List v) : depth_(1) {
  for (const Value& item : v) depth_ = std::max(depth_, item.depth_ + 1), weight_ += item.weight_ + kItemWeight;
  state_ = std::make_shared<const List>(std::move(v));
}

Value Value::Tuple(List v) {
  Value out(std::move(v));
  out.is_tuple_ = true;
  return out;
}

Value::Value(Dict v) : depth_(1) {
  for (const auto& [key, item] : v)
    depth_ = std::max(depth_, item.depth_ + 1), weight_ += item.weight_ + key.size() + kItemWeight;
  state_ = std::make_shared<const Dict>(std::move(v));
}

bool Value::Truth() const {
  if (boolean()) return *boolean();
  if (is_number()) return AsDouble() != 0;
  if (string()) return !string()->empty();
  if (list()) return !list()->empty();
  if (dict()) return !dict()->empty();
  return !is_undefined() && !is_none();
}

double Value::AsDouble() const {
  if (boolean()) return *boolean() ? 1 : 0;
  if (integer()) return static_cast<double>(*integer());
  return real() ? *real() : 0;
}

std::string_view Value::TypeName() const {
  constexpr std::string_view kNames[] = {
      "something undefined", "none",      "a boolean", "an integer", "a number", "a string", "a list", "a dict",
      "a namespace",         "a function"};
  return kNames[state_.index()];
}

const Value* Value::Find(std::string_view key) const {
  if (dict()) {
    for (const auto& [k, v] : *dict()) {
      if (k == key) return &v;
    }
  }
  if (ns()) {
    const auto it = ns()->values.find(std::string(key));
    if (it != ns()->values.end()) return &it->second;
  }
  return nullptr;
}

const Value* Arguments::Get(size_t index, std::string_view name) const {
  if (index < positional.size()) return &positional[index];
  for (const auto& [key, value] : named) {
    if (key == name) return &value;
  }
  return nullptr;
}

bool Equal(const Value& a, const Value& b) {
  const auto is_numeric = [](const Value& v) { return v.is_number() || v.boolean(); };
  if (is_numeric(a) && is_numeric(b)) {
    return a.integer() && b.integer() ? *a.integer() == *b.integer() : a.AsDouble() == b.AsDouble();
  }
  if (a.string() && b.string()) return *a.string() == *b.string();
  if (a.is_none() || a.is_undefined()) return a.is_none() ? b.is_none() : b.is_undefined();
  if (a.list() && b.list()) {
    return a.is_tuple() == b.is_tuple() &&
           std::equal(a.list()->begin(), a.list()->end(), b.list()->begin(), b.list()->end(), Equal);
  }
  if (a.dict() && b.dict()) {
    if (a.dict()->size() != b.dict()->size()) return false;
    for (const auto& [key, value] : *a.dict()) {
      const Value* other = b.Find(key);
      if (other == nullptr || !Equal(value, *other)) return false;
    }
    return true;
  }
  return a.ns() != nullptr && a.ns() == b.ns();
}

Result<int> Compare(const Value& a, const Value& b) {
  const auto is_numeric = [](const Value& v) { return v.is_number() || v.boolean(); };
  if (is_numeric(a) && is_numeric(b)) {
    if (a.integer() && b.integer()) return *a.integer() < *b.integer() ? -1 : *a.integer() > *b.integer();
    return a.AsDouble() < b.AsDouble() ? -1 : a.AsDouble() > b.AsDouble();
  }
  if (a.string() && b.string()) return a.string()->compare(*b.string());  // UTF-8 sorts as its code points do
  if (a.list() && b.list()) {
    for (size_t i = 0; i < std::min(a.list()->size(), b.list()->size()); ++i) {
      LP_ASSIGN_OR_RETURN(const int order, Compare((*a.list())[i], (*b.list())[i]));
      if (order != 0) return order;
    }
    return a.list()->size() < b.list()->size() ? -1 : a.list()->size() > b.list()->size();
  }
  return TemplateError(StrCat("no order between ", a.TypeName(), " and ", b.TypeName()));
}

std::string Str(const Value& v) {
  if (v.string()) return *v.string();
  if (v.is_undefined()) return "";
  return Repr(v);
}

std::string Repr(const Value& v) {
  if (v.string()) return QuotePython(*v.string());
  if (v.is_undefined()) return "Undefined";
  if (v.is_none()) return "None";
  if (v.boolean()) return *v.boolean() ? "True" : "False";
  if (v.integer()) return std::to_string(*v.integer());
  if (v.real()) return FloatText(*v.real());
  std::string out;
  if (v.list()) {
    for (const Value& item : *v.list()) out += (out.empty() ? "" : ", ") + Repr(item);
    if (v.is_tuple()) return "(" + out + (v.list()->size() == 1 ? ",)" : ")");
    return "[" + out + "]";
  }
  if (v.dict()) {
    for (const auto& [key, value] : *v.dict()) out += (out.empty() ? "" : ", ") + QuotePython(key) + ": " + Repr(value);
    return "{" + out + "}";
  }
  return v.ns() ? "<namespace>" : "<function>";
}

Result<std::string> Json(const Value& v, int indent) {
  std::string out;
  LP_RETURN_IF_ERROR(AppendJson(v, indent, 0, out));
  return out;
}

}  // namespace lp::chat
