// Vocabularies of a few hundred tokens, made by hand, as GGUF metadata: for tests that must run without any model file.
#pragma once

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "support/gguf_writer.h"

namespace lp::testing {

// Token i as its spelling, score and type; written as the three lists of tokenizer.ggml.*.
struct SmallVocabulary {
  std::vector<std::string> tokens;
  std::vector<float> scores;
  std::vector<int32_t> types;

  int32_t Add(std::string token, int32_t type = 1, float score = 0) {
    tokens.push_back(std::move(token));
    types.push_back(type);
    scores.push_back(score);
    return static_cast<int32_t>(tokens.size()) - 1;
  }
};
constexpr int32_t kUnknownType = 2, kControlType = 3, kUserDefinedType = 4, kUnusedType = 5, kByteType = 6;

// The 256 characters of GPT-2's byte alphabet in the order of the bytes: token i is byte i. Written down here a second
// time, so that the tests do not trust the table in src/tokenizer.
inline SmallVocabulary AllBytes() {
  SmallVocabulary vocabulary;
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte > 32 && byte < 127) || (byte > 160 && byte != 173);
    std::string spelled;
    AppendUtf8(spelled, printable ? byte : next++);
    vocabulary.Add(spelled);
  }
  return vocabulary;
}

// Byte-level BPE over all bytes: each merge "l o" adds the token "lo", ids from 256; then <|endoftext|>, control, BOS
// and EOS.
inline GgufWriter BpeFile(const std::vector<std::string>& merges, const std::string& pre = "gpt-2") {
  SmallVocabulary v = AllBytes();
  for (const std::string& merge : merges) {
    std::string token = merge;
    token.erase(token.find(' '), 1);
    v.Add(token);
  }
  const auto end = static_cast<uint32_t>(v.Add("<|endoftext|>", kControlType));
  return GgufWriter()
      .Set("tokenizer.ggml.model", "gpt2")
      .Set("tokenizer.ggml.pre", pre)
      .Set("tokenizer.ggml.tokens", v.tokens)
      .Set("tokenizer.ggml.token_type", v.types)
      .Set("tokenizer.ggml.merges", merges)
      .Set("tokenizer.ggml.bos_token_id", end)
      .Set("tokenizer.ggml.eos_token_id", end);
}

// <unk>, <s>, </s>, then the 256 byte tokens <0x00>..<0xFF> (ids from 3) if asked for: how SentencePiece vocabularies
// begin.
inline SmallVocabulary SentencePieceHead(bool byte_tokens = true) {
  SmallVocabulary v;
  v.Add("<unk>", kUnknownType);
  v.Add("<s>", kControlType);
  v.Add("</s>", kControlType);
  for (int byte = 0; byte < 256 && byte_tokens; ++byte) {
    char name[8];
    std::snprintf(name, sizeof(name), "<0x%02X>", static_cast<unsigned>(byte));
    v.Add(name, kByteType);
  }
  return v;
}

inline GgufWriter SentencePieceFile(const SmallVocabulary& v) {
  return GgufWriter()
      .Set("tokenizer.ggml.model", "llama")
      .Set("tokenizer.ggml.tokens", v.tokens)
      .Set("tokenizer.ggml.scores", v.scores)
      .Set("tokenizer.ggml.token_type", v.types);
}

}  // namespace lp::testing
