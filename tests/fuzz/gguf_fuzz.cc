// Any bytes as a GGUF file: read, described, loaded as a model and as a tokenizer. Each may refuse; none may crash, hang
// or ask for memory that the file does not account for.
#include "fuzz.h"

#include <fstream>
#include <iterator>
#include <string>

#include "gguf/describe.h"
#include "gguf/gguf.h"
#include "model/model.h"
#include "support/random_model.h"
#include "support/small_vocabularies.h"
#include "tokenizer/tokenizer.h"

namespace {

using lp::testing::Bytes;

// What loads must also run: a shape that the checks let through and a kernel does not expect shows here.
void Evaluate(const lp::Model& model) {
  constexpr size_t kTokens = 7;  // more than the batch kernels begin at
  const lp::ModelConfig& config = model.config();
  if (config.n_ctx < kTokens) return;
  static lp::ThreadPool pool(1);
  lp::KvCache cache(config, kTokens);
  const std::vector<lp::TokenId> tokens(kTokens, 0);
  std::vector<float> logits(config.n_vocab);
  (void)model.Evaluate(tokens, cache, 1, logits, pool);
}

Bytes Read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

// One file of each architecture that differs in kind.
std::vector<std::vector<uint8_t>> ArchitectureFiles() {
  std::vector<std::vector<uint8_t>> out;
  for (const char* name : {"llama3", "qwen2-yarn", "gemma2", "gemma3", "phi3-long", "gpt2", "gptneox"}) {
    out.push_back(Read(std::string(LP_SOURCE_DIR) + "/tests/fixtures/architectures/" + name + ".gguf"));
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = lp::GgufFile::Parse({data, size});
  if (!file.ok()) return 0;
  for (const lp::GgufEntry& entry : file->metadata()) (void)lp::FormatValue(entry, 3);
  for (const lp::GgufTensor& tensor : file->tensors()) (void)lp::FormatShape(tensor);
  if (const auto model = lp::Model::Load(*file); model.ok()) Evaluate(**model);
  const auto tokenizer = lp::Tokenizer::Load(*file);
  if (tokenizer.ok()) {
    const auto ids = (*tokenizer)->EncodePrompt("Hello, \xC3\xA9 world");
    if (ids.ok()) (void)(*tokenizer)->Decode(*ids);
  }
  return 0;
}

std::vector<std::vector<uint8_t>> lp::testing::Seeds() {
  RandomModel tiny;
  tiny.n_layer = 1;
  tiny.n_embd = 32;
  tiny.n_head = 2;
  tiny.n_kv_head = 1;
  tiny.n_ff = 32;
  tiny.n_vocab = 5;
  RandomModel q8 = tiny;
  q8.type = GgmlType::kQ8_0;
  SmallVocabulary pieces = SentencePieceHead();
  pieces.Add("\xE2\x96\x81he", 1, -1);
  pieces.Add("llo", 1, -2);
  std::vector<std::vector<uint8_t>> seeds = ArchitectureFiles();
  seeds.insert(seeds.end(), {tiny.Build(), q8.Build(), BpeFile({"h e", "l l", "he ll", "hell o"}).Build(),
                             SentencePieceFile(pieces).Build()});
  return seeds;
}
