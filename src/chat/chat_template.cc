#include "chat/chat_template.h"

#include <utility>

#include "chat/builtins.h"
#include "chat/evaluator.h"
#include "chat/parser.h"

namespace lp {

Result<std::string> RenderChatTemplate(std::string_view source, const std::vector<ChatMessage>& messages,
                                       const ChatTemplateOptions& options) {
  using chat::Value;
  constexpr size_t kMaxSource = size_t{1} << 20;  // bytes; the longest known are some 10 kB
  if (source.size() > kMaxSource) return Error{ErrorCode::kUnsupported, "the chat template is longer than 1 MiB", ""};
  LP_ASSIGN_OR_RETURN(const chat::Block block, chat::Parse(source));
  chat::Dict globals = chat::Functions(options.now);
  chat::List list;
  for (const ChatMessage& m : messages) {
    list.push_back(Value(chat::Dict{{"role", Value(m.role)}, {"content", Value(m.content)}}));
  }
  globals.emplace_back("messages", Value(std::move(list)));
  globals.emplace_back("add_generation_prompt", Value(options.add_generation_prompt));
  globals.emplace_back("bos_token", Value(options.bos));
  globals.emplace_back("eos_token", Value(options.eos));
  globals.emplace_back("tools", Value(chat::None{}));
  globals.emplace_back("documents", Value(chat::None{}));
  return chat::Evaluator(std::move(globals)).Render(block);
}

Result<std::string> ReadChatTemplate(const GgufFile& file) {
  constexpr std::string_view kKey = "tokenizer.chat_template";
  if (file.Find(kKey) == nullptr) {
    return Error{ErrorCode::kNotFound, "this model has no chat template: it was not trained to chat",
                 std::string(kKey)};
  }
  LP_ASSIGN_OR_RETURN(const std::string_view source, file.GetString(kKey));
  return std::string(source);
}

Result<std::vector<TokenId>> EncodeChat(std::string_view source, const std::vector<ChatMessage>& messages,
                                        const ChatTemplateOptions& options, const Tokenizer& tokenizer) {
  ChatTemplateOptions own = options;
  own.bos = tokenizer.bos() ? tokenizer.Piece(*tokenizer.bos()).name : "";
  own.eos = tokenizer.eos() ? tokenizer.Piece(*tokenizer.eos()).name : "";
  LP_ASSIGN_OR_RETURN(const std::string text, RenderChatTemplate(source, messages, own));
  return tokenizer.EncodeWithControl(text);
}

}  // namespace lp
