// Files that are no model logitpeek can run: each is refused with one error that names the key or tensor.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "model/model.h"
#include "support/random_model.h"

namespace lp {
namespace {

using testing::Bytes;
using testing::GgufWriter;
using testing::RandomModel;

struct Outcome {
  bool ok = false;
  ErrorCode code = ErrorCode::kIo;
  std::string text;
};

Outcome Load(const Bytes& bytes) {
  const auto file = GgufFile::Parse(bytes);
  EXPECT_TRUE(file.ok()) << file.error().ToString();
  const auto model = Model::Load(*file);
  if (model.ok()) return {true, ErrorCode::kIo, ""};
  return {false, model.error().code, model.error().ToString()};
}

void ExpectRefused(const RandomModel& spec, ErrorCode code, const std::vector<std::string>& parts) {
  const Outcome outcome = Load(spec.Build());
  ASSERT_FALSE(outcome.ok) << parts[0];
  EXPECT_EQ(outcome.code, code) << outcome.text;
  for (const std::string& part : parts) EXPECT_NE(outcome.text.find(part), std::string::npos) << outcome.text;
}

RandomModel Edited(const std::string& tensor, const std::function<void(RandomModel::Tensor&)>& change) {
  RandomModel spec;
  spec.edit = [=](RandomModel::Tensor& t) {
    if (t.name == tensor) change(t);
    return true;
  };
  return spec;
}

TEST(LoadModel, AcceptsWhatTheOthersBreak) { EXPECT_TRUE(Load(RandomModel().Build()).ok); }

TEST(LoadModel, NamesAnUnknownArchitectureAndThoseThereAre) {
  ExpectRefused({.architecture = "mamba"}, ErrorCode::kUnsupported, {"general.architecture", "\"mamba\"", "llama"});
}

TEST(LoadModel, EveryMissingTensorIsNamed) {
  std::vector<std::string> names;
  RandomModel spec;
  spec.edit = [&](RandomModel::Tensor& t) { return names.push_back(t.name), true; };
  (void)spec.Build();
  ASSERT_EQ(names.size(), 20u);
  for (const std::string& missing : names) {
    RandomModel broken;
    broken.edit = [&](RandomModel::Tensor& t) { return t.name != missing; };
    ExpectRefused(broken, ErrorCode::kCorrupt, {missing, "missing"});
  }
}

TEST(LoadModel, EveryWrongShapeIsNamedWithBoth) {
  std::vector<RandomModel::Tensor> tensors;
  RandomModel spec{.tied = false, .rope_factors = true};
  spec.edit = [&](RandomModel::Tensor& t) { return tensors.push_back(t), true; };
  (void)spec.Build();
  for (const RandomModel::Tensor& original : tensors) {
    if (original.name == "token_embd.weight") continue;  // its rows are the vocabulary: below
    RandomModel broken = Edited(original.name, [](RandomModel::Tensor& t) { t.shape.back() += 1; });
    broken.tied = false, broken.rope_factors = true;
    std::string expected = "{", found = "{";
    for (size_t i = 0; i < original.shape.size(); ++i) {
      const std::string comma = i == 0 ? "" : ", ";
      expected += comma + std::to_string(original.shape[i]);
      found += comma + std::to_string(original.shape[i] + (i + 1 == original.shape.size()));
    }
    ExpectRefused(broken, ErrorCode::kCorrupt, {original.name, expected + "}", found + "}"});
  }
  ExpectRefused(Edited("token_embd.weight", [](auto& t) { t.shape[0] = 32; }), ErrorCode::kCorrupt,
                {"token_embd.weight", "{32, 50}", "{64, 50}"});
  ExpectRefused(Edited("blk.0.attn_q.weight",
                       [](auto& t) {
                         t.shape = {64, 64, 2};
                       }),
                ErrorCode::kCorrupt, {"blk.0.attn_q.weight", "{64, 64, 2}"});
  ExpectRefused(Edited("blk.1.ffn_down.weight",
                       [](auto& t) {
                         t.shape = {64, 96};
                       }),
                ErrorCode::kCorrupt, {"blk.1.ffn_down.weight", "{64, 96}", "{96, 64}"});
}
// Mutation: compare the number of elements instead of the shape -> red.

TEST(LoadModel, EmbeddingAndVocabularyMustAgree) {
  ExpectRefused({.n_tokens = 49}, ErrorCode::kCorrupt, {"token_embd.weight", "50", "49", "tokenizer.ggml.tokens"});
}

TEST(LoadModel, NamesATypeWithoutKernels) {
  for (const auto& [type, name, bytes] : {std::tuple{GgmlType::kI16, "I16", 2u}, std::tuple{GgmlType::kF64, "F64", 8u}}) {
    RandomModel spec;
    spec.edit = [](RandomModel::Tensor& t) { return t.name != "blk.1.ffn_up.weight"; };
    spec.metadata = [bytes = bytes, t = type](GgufWriter& w) {
      w.Tensor("blk.1.ffn_up.weight", t, {64, 96}, Bytes(64 * 96 * bytes));
    };
    ExpectRefused(spec, ErrorCode::kUnsupported, {"blk.1.ffn_up.weight", name, "F32, F16, BF16, Q8_0"});
  }
}

TEST(LoadModel, RefusesTensorsItWouldLeaveOut) {
  RandomModel spec;
  spec.metadata = [](GgufWriter& w) { w.Tensor("blk.0.attn_q.shift", {64}, std::vector<float>(64)); };
  ExpectRefused(spec, ErrorCode::kUnsupported, {"blk.0.attn_q.shift", "no part of the architecture"});
}

TEST(LoadModel, RefusesMisalignedFloats) {
  Bytes good = RandomModel().Build(), moved(good.size() + 1);
  std::copy(good.begin(), good.end(), moved.begin() + 1);
  const auto file = GgufFile::Parse(std::span<const uint8_t>(moved).subspan(1));
  ASSERT_TRUE(file.ok());
  const auto model = Model::Load(*file);
  ASSERT_FALSE(model.ok());
  EXPECT_NE(model.error().ToString().find("aligned"), std::string::npos);
}

// ---- numbers that make no sense

template <class T>
RandomModel With(const std::string& key, T value) {
  RandomModel spec;
  spec.metadata = [=](GgufWriter& w) { w.Set("llama." + key, value); };
  return spec;
}

TEST(LoadConfig, ZeroAndAbsurdCountsAreRefused) {
  constexpr uint32_t kMost = 0xFFFFFFFF;
  const std::pair<std::string, std::vector<uint32_t>> lies[] = {
      {"block_count", {0, 5000, kMost}},
      {"embedding_length", {0, 0x80000000, kMost}},
      {"feed_forward_length", {0, kMost}},
      {"context_length", {0, kMost}},
      {"attention.head_count", {0, 3, 7, 65, kMost}},
      {"attention.head_count_kv", {0, 3, 8, kMost}},
  };
  for (const auto& [key, values] : lies) {
    for (const uint32_t value : values) {
      ExpectRefused({.lies = {{key, value}}}, ErrorCode::kCorrupt, {"llama." + key, std::to_string(value)});
    }
  }
}

TEST(LoadConfig, ABelievableLieIsFoundInTheTensors) {
  ExpectRefused({.lies = {{"block_count", 3}}}, ErrorCode::kCorrupt, {"blk.2.attn_norm.weight", "missing"});
  ExpectRefused({.lies = {{"block_count", 4096}}}, ErrorCode::kCorrupt, {"blk.2.attn_norm.weight", "missing"});
  ExpectRefused({.lies = {{"block_count", 1}}}, ErrorCode::kUnsupported, {"blk.1."});
  ExpectRefused({.lies = {{"embedding_length", 128}}}, ErrorCode::kCorrupt,
                {"token_embd.weight", "{64, 50}", "{128, 50}"});
  ExpectRefused({.lies = {{"feed_forward_length", 97}}}, ErrorCode::kCorrupt,
                {"blk.0.ffn_gate.weight", "{64, 96}", "{64, 97}"});
  ExpectRefused({.lies = {{"attention.head_count_kv", 4}}}, ErrorCode::kCorrupt,
                {"blk.0.attn_k.weight", "{64, 32}", "{64, 64}"});
}

TEST(LoadConfig, HeadsAndRotationMustFit) {
  ExpectRefused(With("rope.dimension_count", 18u), ErrorCode::kCorrupt, {"llama.rope.dimension_count", "18"});
  ExpectRefused(With("rope.dimension_count", 7u), ErrorCode::kCorrupt, {"llama.rope.dimension_count", "7"});
  ExpectRefused(With("rope.dimension_count", 0u), ErrorCode::kCorrupt, {"llama.rope.dimension_count"});
  ExpectRefused(With("attention.key_length", 0u), ErrorCode::kCorrupt, {"llama.attention.key_length"});
  ExpectRefused(With("attention.key_length", 4096u), ErrorCode::kCorrupt, {"llama.attention.key_length"});
  ExpectRefused(With("attention.value_length", 8u), ErrorCode::kUnsupported,
                {"llama.attention.value_length", "8", "16"});
  ExpectRefused({.n_embd = 60, .n_head = 4}, ErrorCode::kCorrupt, {"llama.rope.dimension_count", "15"});  // odd heads
}

TEST(LoadConfig, UnknownPositionScalingIsNamed) {
  EXPECT_TRUE(Load(With("rope.scaling.type", "none").Build()).ok);
  EXPECT_TRUE(Load(With("rope.scaling.type", "linear").Build()).ok);
  ExpectRefused(With("rope.scaling.type", "ntk"), ErrorCode::kUnsupported,
                {"llama.rope.scaling.type", "\"ntk\"", "none, linear, yarn"});
  ExpectRefused(With("rope.scaling.type", "longrope"), ErrorCode::kUnsupported, {"llama.rope.scaling.type"});
  for (const float bad : {-2.0f, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    ExpectRefused(With("rope.scaling.factor", bad), ErrorCode::kCorrupt, {"llama.rope.scaling.factor"});
  }
}

TEST(LoadConfig, RefusesExpertsAndBadTypes) {
  ExpectRefused(With("expert_count", 8u), ErrorCode::kUnsupported, {"llama.expert_count", "8"});
  EXPECT_TRUE(Load(With("expert_count", 0u).Build()).ok);
  ExpectRefused(With("attention.value_length", "wide"), ErrorCode::kCorrupt, {"llama.attention.value_length"});
}

// The parts of a large model, of which only the first names its architecture. Mutation: look at the architecture first -> red.
TEST(LoadConfig, APartOfAModelIsNone) {
  const Outcome outcome = Load(GgufWriter().Set("split.no", uint16_t{1}).Set("split.count", uint16_t{3}).Build());
  EXPECT_EQ(outcome.code, ErrorCode::kUnsupported);
  for (const char* part : {"split.count", "part 2 of 3", "--merge"}) EXPECT_NE(outcome.text.find(part), std::string::npos) << outcome.text;
  RandomModel whole;
  whole.metadata = [](GgufWriter& w) { w.Set("split.count", uint16_t{1}); };
  EXPECT_TRUE(Load(whole.Build()).ok);
}

TEST(LoadConfig, MissingKeysAreNamed) {
  const auto file_bytes = GgufWriter().Set("general.architecture", "llama").Build();
  Outcome outcome = Load(file_bytes);
  EXPECT_EQ(outcome.code, ErrorCode::kNotFound);
  EXPECT_NE(outcome.text.find("llama.block_count"), std::string::npos) << outcome.text;
  outcome = Load(GgufWriter().Build());
  EXPECT_EQ(outcome.code, ErrorCode::kNotFound);
  EXPECT_NE(outcome.text.find("general.architecture"), std::string::npos) << outcome.text;
}

TEST(LoadConfig, AVocabularyAloneIsNoModel) {
  RandomModel spec;
  spec.edit = [](RandomModel::Tensor&) { return false; };
  ExpectRefused(spec, ErrorCode::kCorrupt, {"token_embd.weight", "vocabulary without a model"});
}

}  // namespace
}  // namespace lp
