// Any bytes as a text: encoded, every id in the vocabulary, and decoded to the same bytes again. The first byte chooses
// the tokenizer: one of nine small ones or, where shared data lies beside the checkout, a real one.
#include "fuzz.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "gguf/gguf.h"
#include "support/shared_path.h"
#include "support/small_vocabularies.h"
#include "tokenizer/tokenizer.h"

namespace {

using lp::testing::Bytes;

constexpr size_t kSmall = 9;
constexpr const char* kReal[] = {"gpt-2", "llama-bpe", "qwen2", "falcon", "deepseek-llm", "llama-spm", "phi-3"};

// "" where it is not there. suffix: "" for the vocabulary, ".inp" for the texts it is tested with.
Bytes SharedVocabulary(const std::string& name, const std::string& suffix) {
  const std::string path = lp::testing::SharedPath("data/tokenizers/ggml-vocab-" + name + ".gguf" + suffix);
  std::ifstream in(path, std::ios::binary);
  return path.empty() ? Bytes() : Bytes(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

struct Loaded {
  Bytes bytes;
  std::unique_ptr<lp::Tokenizer> tokenizer;
  std::array<bool, 256> has_byte{};  // Falcon's vocabulary lacks 28 of them: texts with these are refused
};

bool HasEveryByteOf(const Loaded& loaded, const std::string& text) {
  return std::all_of(text.begin(), text.end(), [&](char c) { return loaded.has_byte[static_cast<uint8_t>(c)]; });
}

std::vector<Loaded> LoadAll() {
  std::vector<Bytes> files;
  const std::vector<std::string> merges = {"h e", "l l", "he ll", "hell o", "\xC4\xA0 t", "\xC4\xA0t he", "1 2", "' s"};
  for (const char* pre : {"gpt-2", "llama-bpe", "qwen2", "falcon", "deepseek-llm", "starcoder", "refact", "smollm"})
    files.push_back(lp::testing::BpeFile(merges, pre).Build());
  lp::testing::SmallVocabulary pieces = lp::testing::SentencePieceHead();
  for (const char* piece : {"\xE2\x96\x81", "\xE2\x96\x81he", "he", "l", "ll", "llo", "\xC3\xA9", "hello"}) pieces.Add(piece, 1, -static_cast<float>(pieces.tokens.size()));
  files.push_back(lp::testing::SentencePieceFile(pieces).Build());
  if (files.size() != kSmall) std::abort();
  for (const char* name : kReal) {
    Bytes bytes = SharedVocabulary(name, "");
    if (!bytes.empty()) files.push_back(std::move(bytes));
  }
  std::vector<Loaded> all;
  for (Bytes& bytes : files) {
    all.push_back({std::move(bytes), nullptr, {}});
    const auto file = lp::GgufFile::Parse(all.back().bytes);
    auto tokenizer = lp::Tokenizer::Load(*file);
    if (!tokenizer.ok()) {
      std::fprintf(stderr, "%s\n", tokenizer.error().ToString().c_str());
      std::abort();
    }
    for (size_t id = 0; id < (*tokenizer)->size(); ++id) {
      const std::string& piece = (*tokenizer)->Piece(static_cast<lp::TokenId>(id)).bytes;
      if (piece.size() == 1) all.back().has_byte[static_cast<uint8_t>(piece[0])] = true;
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
    if (!ids.ok() && !HasEveryByteOf(all[which], text)) return 0;
    if (!ids.ok()) Fail("refused a text although its vocabulary has every byte", which);
    std::string pieces;
    for (const lp::TokenId id : *ids) {
      if (id < 0 || static_cast<size_t>(id) >= tokenizer.size()) Fail("an id outside the vocabulary", which);
      pieces += tokenizer.Piece(id).bytes;
    }
    const auto with_control = tokenizer.EncodeWithControl(text);
    if (!with_control.ok()) Fail("refused a text with control tokens", which);
    for (const lp::TokenId id : *with_control) {
      if (id < 0 || static_cast<size_t>(id) >= tokenizer.size()) Fail("an id outside the vocabulary", which);
    }
    if (start ? tokenizer.Decode(*ids) != text : pieces != text) Fail("decoding does not give the text back", which);
  }
  return 0;
}

std::vector<std::vector<uint8_t>> lp::testing::Seeds() {
  std::vector<Bytes> seeds;
  const auto add = [&](size_t which, const std::string& text) {
    Bytes bytes = {static_cast<uint8_t>(which)};
    bytes.insert(bytes.end(), text.begin(), text.end());
    seeds.push_back(bytes);
  };
  const std::string everything = "Hello the hell's 12345 \xC3\xA9\xE4\xBD\xA0\xF0\x9F\x98\x80\n\n  \t<0x41>\xE2\x96\x81 \xFF\xC3 DON'T x";
  for (size_t which = 0; which < kSmall; ++which) add(which, everything);
  // Real ones: the texts that come with them, and control tokens spelled out.
  const std::string separator = "\n__ggml_vocab_test__\n";
  size_t which = kSmall;
  for (const char* name : kReal) {
    const Bytes texts = SharedVocabulary(name, ".inp");
    if (texts.empty()) continue;
    add(which, everything + "<|endoftext|> <|im_start|><|user|>\n<s></s>");
    std::string left(texts.begin(), texts.end());
    for (size_t end; (end = left.find(separator)) != std::string::npos; left.erase(0, end + separator.size()))
      add(which, left.substr(0, end));
    ++which;
  }
  return seeds;
}
