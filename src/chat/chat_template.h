// A conversation as the text, and the tokens, that an instruct model was trained on: its `tokenizer.chat_template`,
// run.
//
// The template language is the part of Jinja that chat templates use (chat/parser.h), with the settings and functions
// that Hugging Face transformers gives them: trim_blocks, lstrip_blocks, raise_exception, strftime_now, tojson without
// escapes. Anything beyond it is an error that names it and its line, never a guess. Not here: tools and documents
// (templates see none), and answers with parts that are not text.
#pragma once

#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "gguf/gguf.h"
#include "tokenizer/tokenizer.h"

namespace lp {

struct ChatMessage {
  std::string role;  // "system", "user", "assistant", or what else the template knows
  std::string content;
};

struct ChatTemplateOptions {
  bool add_generation_prompt = true;  // end where the assistant is to speak
  std::string bos, eos;               // spellings, as bos_token and eos_token
  std::tm now = {};                   // what strftime_now tells
};

// Errors: kCorrupt (no template of this language), kUnsupported (beyond the subset, or too much work), kInvalidArgument
// (the template refuses these messages); `where` is "line N" of the template.
Result<std::string> RenderChatTemplate(std::string_view source, const std::vector<ChatMessage>& messages,
                                       const ChatTemplateOptions& options);

// The file's chat template. Errors: kNotFound where it has none (a model that was not trained to chat).
Result<std::string> ReadChatTemplate(const GgufFile& file);

// What the template prints with the tokenizer's own BOS and EOS (options.bos and eos are not looked at), as tokens:
// control tokens spelled by the template or by a message become those tokens, as in transformers, and no BOS is put in
// front that the template does not print.
Result<std::vector<TokenId>> EncodeChat(std::string_view source, const std::vector<ChatMessage>& messages,
                                        const ChatTemplateOptions& options, const Tokenizer& tokenizer);

}  // namespace lp
