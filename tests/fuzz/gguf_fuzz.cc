// Any bytes as a GGUF file: read, described, loaded as a model and as a tokenizer. Each may refuse; none may crash, hang
// or ask for memory that the file does not account for.
#include "fuzz.h"

#include "gguf/describe.h"
#include "gguf/gguf.h"
#include "model/model.h"
#include "support/random_model.h"
#include "support/small_vocabularies.h"
#include "tokenizer/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = lp::GgufFile::Parse({data, size});
  if (!file.ok()) return 0;
  for (const lp::GgufEntry& entry : file->metadata()) (void)lp::FormatValue(entry, 3);
  for (const lp::GgufTensor& tensor : file->tensors()) (void)lp::FormatShape(tensor);
  (void)lp::Model::Load(*file);
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
  return {tiny.Build(), q8.Build(), BpeFile({"h e", "l l", "he ll", "hell o"}).Build(), SentencePieceFile(pieces).Build()};
}
