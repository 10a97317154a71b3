#include <string>

#include "base/str_cat.h"
#include "chat/builtins.h"
#include "gguf/describe.h"

namespace lp::chat {
namespace {

constexpr int64_t kMaxRange = 50'000;  // Jinja's sandbox takes twice as many

Result<Value> Range(const Arguments& args) {
  int64_t n[3] = {0, 0, 1};
  const size_t count = args.positional.size();
  if (count == 0 || count > 3) return TemplateError("range takes one to three integers");
  for (size_t i = 0; i < count; ++i) {
    const int64_t* v = args.positional[i].integer();
    if (!v) return TemplateError("range takes integers");
    n[count == 1 ? 1 : i] = *v;
  }
  List out;
  if (n[2] == 0) return TemplateError("range needs a step that is not 0");
  for (int64_t i = n[0]; n[2] > 0 ? i < n[1] : i > n[1];) {
    out.push_back(Value(i));
    if (static_cast<int64_t>(out.size()) > kMaxRange) return TemplateError("range is longer than 50000");
    if (__builtin_add_overflow(i, n[2], &i)) break;
  }
  return Value(std::move(out));
}

Result<Value> MakeNamespace(const Arguments& args) {
  auto out = std::make_shared<Namespace>();
  for (const auto& [name, value] : args.named) {
    if (value.depth() >= kMaxValueDepth) return TemplateError("a namespace cannot hold another");
    out->values[name] = value;
  }
  return Value(std::move(out));
}

}  // namespace

Dict Functions(const std::tm& now) {
  const auto strftime_now = [now](const Arguments& args) -> Result<Value> {
    const Value* format = args.Get(0, "format");
    if (!format || !format->string()) return TemplateError("strftime_now needs a format");
    char buffer[256];
    const size_t n = std::strftime(buffer, sizeof(buffer), format->string()->c_str(), &now);
    return Value(std::string(buffer, n));
  };
  const auto raise = [](const Arguments& args) -> Result<Value> {
    const Value* message = args.Get(0, "message");
    return Error{ErrorCode::kInvalidArgument,
                 StrCat("the model's chat template refuses this: ", Printable(message ? Str(*message) : "", 300)), ""};
  };
  const auto dict = [](const Arguments& args) -> Result<Value> { return Value(Dict(args.named)); };
  return {{"range", Value(Function(Range))},
          {"namespace", Value(Function(MakeNamespace))},
          {"dict", Value(Function(dict))},
          {"raise_exception", Value(Function(raise))},
          {"strftime_now", Value(Function(strftime_now))}};
}

}  // namespace lp::chat
