// Any bytes as a text: encoded, every id in the vocabulary, and decoded to the same bytes again. The first byte chooses
// the tokenizer.
#include "fuzz.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "gguf/gguf.h"
#include "support/small_vocabularies.h"
#include "tokenizer/tokenizer.h"

namespace {

using lp::testing::Bytes;

struct Loaded {
  Bytes bytes;
  std::unique_ptr<lp::Tokenizer> tokenizer;
};

std::vector<Loaded> LoadAll() {
  std::vector<Bytes> files;
  const std::vector<std::string> merges = {"h e", "l l", "he ll", "hell o", "\xC4\xA0 t", "\xC4\xA0t he", "1 2", "' s"};
  for (const char* pre : {"gpt-2", "llama-bpe", "qwen2", "falcon", "deepseek-llm", "starcoder", "refact", "smollm"})
    files.push_back(lp::testing::BpeFile(merges, pre).Build());
  lp::testing::SmallVocabulary pieces = lp::testing::SentencePieceHead();
  for (const char* piece : {"\xE2\x96\x81", "\xE2\x96\x81he", "he", "l", "ll", "llo", "\xC3\xA9", "hello"}) pieces.Add(piece, 1, -static_cast<float>(pieces.tokens.size()));
  files.push_back(lp::testing::SentencePieceFile(pieces).Build());
  std::vector<Loaded> all;
  for (Bytes& bytes : files) {
    all.push_back({std::move(bytes), nullptr});
    const auto file = lp::GgufFile::Parse(all.back().bytes);
    auto tokenizer = lp::Tokenizer::Load(*file);
    if (!tokenizer.ok()) {
      std::fprintf(stderr, "%s\n", tokenizer.error().ToString().c_str());
      std::abort();
    }
    all.back().tokenizer = std::move(*tokenizer);
  }
  return all;
}

void Fail(const char* what, size_t which) {
  std::fprintf(stderr, "tokenizer %zu: %s\n", which, what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<Loaded>& all = *new std::vector<Loaded>(LoadAll());
  if (size == 0) return 0;
  const size_t which = data[0] % all.size();
  const lp::Tokenizer& tokenizer = *all[which].tokenizer;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (const bool start : {true, false}) {
    const auto ids = start ? tokenizer.Encode(text) : tokenizer.EncodeContinuation(text);
    if (!ids.ok()) Fail("refused a text although its vocabulary has every byte", which);
    std::string pieces;
    for (const lp::TokenId id : *ids) {
      if (id < 0 || static_cast<size_t>(id) >= tokenizer.size()) Fail("an id outside the vocabulary", which);
      pieces += tokenizer.Piece(id).bytes;
    }
    if (start ? tokenizer.Decode(*ids) != text : pieces != text) Fail("decoding does not give the text back", which);
  }
  return 0;
}

std::vector<std::vector<uint8_t>> lp::testing::Seeds() {
  std::vector<Bytes> seeds;
  for (uint8_t which = 0; which < 9; ++which) {
    const std::string text = "Hello the hell's 12345 \xC3\xA9\xE4\xBD\xA0\xF0\x9F\x98\x80\n\n  \t<0x41>\xE2\x96\x81 \xFF\xC3 DON'T x";
    Bytes bytes = {which};
    bytes.insert(bytes.end(), text.begin(), text.end());
    seeds.push_back(bytes);
  }
  return seeds;
}
