// What templates can call: filters, tests, methods and functions, each as Jinja 3.1 and Python define it.
#pragma once

#include <ctime>
#include <string_view>

#include "base/result.h"
#include "chat/value.h"

namespace lp::chat {

// value | name(args)
Result<Value> ApplyFilter(std::string_view name, const Value& value, const Arguments& args);
// value is name(args)
Result<Value> ApplyTest(std::string_view name, const Value& value, const Arguments& args);
// value.name(args), for strings and dicts.
Result<Value> CallMethod(const Value& value, std::string_view name, const Arguments& args);
// range, namespace, dict, raise_exception, strftime_now
Dict Functions(const std::tm& now);

// What a loop goes through: the items of a list, the keys of a dict, the characters of a string, nothing of what is
// undefined.
Result<List> Items(const Value& value);

// value.name or value[name]; undefined where there is no such thing.
Value Attribute(const Value& value, std::string_view name);

}  // namespace lp::chat
