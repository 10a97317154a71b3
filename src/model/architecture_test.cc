// Every architecture against transformers' own models (tests/fixtures/architectures, made by
// tests/tools/make_architectures.py), and the same bits by every route.
#include "model/architecture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "model/model.h"

namespace lp {
namespace {

const std::string kFolder = std::string(LP_SOURCE_DIR) + "/tests/fixtures/architectures/";

const nlohmann::json& Fixture() {
  static const auto fixture = [] {
    std::ifstream in(kFolder + "logits.json");
    return nlohmann::json::parse(in);
  }();
  return fixture;
}

std::vector<std::string> Names() {
  std::vector<std::string> out;
  for (const auto& [name, logits] : Fixture().at("logits").items()) out.push_back(name);
  return out;
}

class ArchitectureFile : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto mapped = MappedFile::Open(kFolder + GetParam() + ".gguf");
    ASSERT_TRUE(mapped.ok()) << mapped.error().ToString();
    mapped_.emplace(std::move(mapped).value());
    const auto file = GgufFile::Parse(mapped_->bytes());
    ASSERT_TRUE(file.ok()) << file.error().ToString();
    auto model = Model::Load(*file);
    ASSERT_TRUE(model.ok()) << model.error().ToString();
    model_ = std::move(model).value();
    tokens_ = Fixture().at("tokens").get<std::vector<TokenId>>();
    n_vocab_ = model_->config().n_vocab;
  }

  // Logits after every token, evaluated `batch` tokens at a time.
  std::vector<float> Logits(size_t batch, size_t n_threads) {
    ThreadPool pool(n_threads);
    KvCache cache(model_->config(), tokens_.size());
    std::vector<float> out(tokens_.size() * n_vocab_);
    for (size_t at = 0; at < tokens_.size(); at += batch) {
      const size_t n = std::min(batch, tokens_.size() - at);
      const auto to = std::span(out).subspan(at * n_vocab_);
      EXPECT_TRUE(model_->Evaluate(std::span(tokens_).subspan(at, n), cache, n, to, pool).ok());
    }
    return out;
  }

  std::optional<MappedFile> mapped_;
  std::unique_ptr<Model> model_;
  std::vector<TokenId> tokens_;
  size_t n_vocab_ = 0;
};

INSTANTIATE_TEST_SUITE_P(All, ArchitectureFile, ::testing::ValuesIn(Names()), [](const auto& name) {
  std::string out = name.param;
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
});

TEST_P(ArchitectureFile, GivesTheLogitsOfTransformers) {
  const std::vector<float> logits = Logits(24, 1);
  const auto& positions = Fixture().at("positions");
  double worst = 0;
  for (size_t i = 0; i < positions.size(); ++i) {
    const auto expected = Fixture().at("logits").at(GetParam()).at(i).get<std::vector<double>>();
    ASSERT_EQ(expected.size(), n_vocab_);
    const float* ours = logits.data() + positions.at(i).get<size_t>() * n_vocab_;
    for (size_t v = 0; v < n_vocab_; ++v) worst = std::max(worst, std::abs(static_cast<double>(ours[v]) - expected[v]));
  }
  // Logits are up to about 5. Measured: 1e-5 at most; the reference itself takes norms and angles in float32.
  EXPECT_LT(worst, 2e-5);
  RecordProperty("worst", std::to_string(worst));
}
// Mutations tried, each red for one file at least: the window on other layers; a window one larger; no soft-cap, of
// scores or of logits; gelu by its approximation for gptneox; no scale of the embedding; parallel residuals as serial
// ones; no post-norm; positions of windowed layers stretched; rope factors, magnitude or YaRN's temperature ignored,
// its limits not rounded.

TEST_P(ArchitectureFile, GivesTheSameBitsByEveryRoute) {
  const std::vector<float> expected = Logits(24, 1);
  for (const size_t batch : {1u, 3u, 5u, 24u}) {
    for (const size_t threads : {1u, 3u}) {
      EXPECT_EQ(0, std::memcmp(expected.data(), Logits(batch, threads).data(), expected.size() * sizeof(float)))
          << batch << " tokens at once, " << threads << " threads";
    }
  }
}

TEST_P(ArchitectureFile, RewindingLeavesNoTrace) {
  const std::vector<float> expected = Logits(24, 1);
  ThreadPool pool(2);
  KvCache cache(model_->config(), tokens_.size());
  std::vector<float> last(n_vocab_);
  std::mt19937 rng(3);
  for (int round = 0; round < 40; ++round) {
    cache.Truncate(rng() % (std::min<size_t>(cache.size(), 23) + 1));
    const size_t begin = cache.size(), n = 1 + rng() % (24 - begin);
    ASSERT_TRUE(model_->Evaluate(std::span(tokens_).subspan(begin, n), cache, 1, last, pool).ok());
    ASSERT_EQ(0, std::memcmp(last.data(), expected.data() + (begin + n - 1) * n_vocab_, n_vocab_ * sizeof(float)));
  }
}

// A tensor under another name is missing, or, where a model may do without it, is no part of the architecture.
TEST_P(ArchitectureFile, NoTensorIsLeftOut) {
  const auto file = GgufFile::Parse(mapped_->bytes());
  ASSERT_TRUE(file.ok());
  for (const GgufTensor& tensor : file->tensors()) {
    std::vector<uint8_t> bytes(mapped_->bytes().begin(), mapped_->bytes().end());
    const std::string name(tensor.name);
    // With its length in front: "blk.1.x" is part of no other name.
    std::string needle(8, '\0');
    needle[0] = static_cast<char>(name.size());
    needle += name;
    const auto found = std::search(bytes.begin(), bytes.end(), needle.begin(), needle.end());
    ASSERT_NE(found, bytes.end());
    *(found + static_cast<std::ptrdiff_t>(needle.size()) - 1) = 'X';
    const auto renamed = GgufFile::Parse(bytes);
    ASSERT_TRUE(renamed.ok());
    const auto model = Model::Load(*renamed);
    ASSERT_FALSE(model.ok()) << name;
    EXPECT_NE(model.error().ToString().find(name.substr(0, name.size() - 1)), std::string::npos)
        << name << ": " << model.error().ToString();
  }
}

// Phi-3's second set of factors, for contexts longer than the first training's: as if it were the first. Held against llama.cpp and
// a double-precision pass in tests/peers.
TEST(Architectures, ALongContextHasTheLongFactors) {
  const auto mapped = MappedFile::Open(kFolder + "phi3-long.gguf");
  ASSERT_TRUE(mapped.ok());
  std::vector<uint8_t> bytes(mapped->bytes().begin(), mapped->bytes().end()), swapped = bytes;
  const auto file = GgufFile::Parse(bytes);
  const GgufTensor &low = *file->FindTensor("rope_factors_short.weight"), &high = *file->FindTensor("rope_factors_long.weight");
  ASSERT_EQ(low.data.size(), high.data.size());
  std::copy(low.data.begin(), low.data.end(), swapped.begin() + static_cast<std::ptrdiff_t>(high.file_offset));
  std::copy(high.data.begin(), high.data.end(), swapped.begin() + static_cast<std::ptrdiff_t>(low.file_offset));
  const auto swapped_file = GgufFile::Parse(swapped);
  const auto tokens = Fixture().at("tokens").get<std::vector<TokenId>>();
  const auto logits = [&](const GgufFile& of, uint64_t context, uint32_t n_ctx) {
    const auto model = Model::Load(of, context);
    EXPECT_EQ((*model)->config().n_ctx, n_ctx);
    ThreadPool pool(1);
    KvCache cache((*model)->config(), tokens.size());
    std::vector<float> out(tokens.size() * (*model)->config().n_vocab);
    EXPECT_TRUE((*model)->Evaluate(tokens, cache, tokens.size(), out, pool).ok());
    return out;
  };
  const std::vector<float> as_trained = logits(*file, 0, 32);
  EXPECT_EQ(logits(*file, 32, 32), as_trained);
  EXPECT_EQ(logits(*file, 33, 128), logits(*swapped_file, 0, 32));  // Mutation: the short set always -> red
  EXPECT_NE(logits(*file, 33, 128), as_trained);
}

TEST(Architectures, AreFoundByName) {
  EXPECT_EQ(ArchitectureNames(), "llama, qwen2, qwen3, gemma, gemma2, gemma3, phi3, gpt2, gptneox");
  EXPECT_EQ(FindArchitecture("mamba"), nullptr);
  EXPECT_EQ(FindArchitecture(""), nullptr);
  ASSERT_NE(FindArchitecture("gpt2"), nullptr);
  EXPECT_FALSE(FindArchitecture("gpt2")->gated);
}

}  // namespace
}  // namespace lp
