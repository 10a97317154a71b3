// A complete model in a temporary file: random weights, a byte-level BPE vocabulary with every byte. For tests of what
// stands above the runtime (engine, server, command line), which need a model that runs and no more.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "support/random_model.h"
#include "support/small_vocabularies.h"

namespace lp::testing {

class TinyModelFile {
 public:
  // `adds_bos`: tokenizer.ggml.add_bos_token. `name`: general.name, nullptr leaves it out. The BOS (and EOS) id is
  // n_vocab() - 1.
  explicit TinyModelFile(bool adds_bos = true, uint32_t n_ctx = 64, const char* name = "tiny", const char* chat_template = nullptr) {
    static int count = 0;
    path_ = "/tmp/logitpeek_tiny_" + std::to_string(::getpid()) + "_" + std::to_string(count++) + ".gguf";
    const std::vector<std::string> merges = {"h e", "l l", "he ll", "hell o"};
    SmallVocabulary v = AllBytes();
    for (std::string merge : merges) v.Add(merge.erase(merge.find(' '), 1));
    const auto end = static_cast<uint32_t>(v.Add("<|endoftext|>", kControlType));
    RandomModel model;
    model.n_vocab = static_cast<uint32_t>(v.tokens.size());
    model.n_ctx = n_ctx;
    model.tokens = v.tokens;
    model.metadata = [&](GgufWriter& writer) {
      if (name != nullptr) writer.Set("general.name", name);
      if (chat_template != nullptr) writer.Set("tokenizer.chat_template", chat_template);
      writer.Set("tokenizer.ggml.model", "gpt2")
          .Set("tokenizer.ggml.pre", "gpt-2")
          .Set("tokenizer.ggml.token_type", v.types)
          .Set("tokenizer.ggml.merges", merges)
          .Set("tokenizer.ggml.bos_token_id", end)
          .Set("tokenizer.ggml.eos_token_id", end)
          .Set("tokenizer.ggml.add_bos_token", adds_bos);
    };
    const Bytes bytes = model.Build();
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  ~TinyModelFile() { std::remove(path_.c_str()); }
  TinyModelFile(const TinyModelFile&) = delete;
  TinyModelFile& operator=(const TinyModelFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace lp::testing
