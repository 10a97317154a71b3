// Small llama models with random weights, written in memory: any shape, tied or not, F32, F16, Q8_0 or Q4_0, and broken where
// asked.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "support/gguf_writer.h"

namespace lp::testing {

struct RandomModel {
  std::string architecture = "llama";
  uint32_t n_layer = 2, n_embd = 64, n_head = 4, n_kv_head = 2, n_ff = 96, n_vocab = 50, n_ctx = 256;
  std::optional<uint32_t> head_dim, rope_dim;  // keys written only where set
  bool tied = true;
  GgmlType type = GgmlType::kF32;  // of the matrices; vectors are F32
  bool rope_factors = false;
  uint32_t seed = 1;
  // Counts that the metadata states instead of the truth, by key without the architecture.
  std::map<std::string, uint32_t> lies;
  std::optional<uint32_t> n_tokens;           // length of tokenizer.ggml.tokens, n_vocab if unset
  std::vector<std::string> tokens;            // the tokens themselves; empty: all "x"
  std::function<void(GgufWriter&)> metadata;  // more metadata

  struct Tensor {
    std::string name;
    std::vector<uint64_t> shape;
    GgmlType type;
  };
  // Called for each tensor: may change it; returning false leaves it out.
  std::function<bool(Tensor&)> edit;

  Bytes Build() const;
};

// The nearest half, for finite values of normal size: what a test's weights are.
inline uint16_t HalfFromFloat(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  const uint32_t sign = bits >> 16 & 0x8000, exponent = (bits >> 23 & 255);
  if (exponent < 113) return static_cast<uint16_t>(sign);  // below 2^-14: 0 will do
  const uint32_t rounded = (bits & 0x7FFFFFFF) + 0x1000 - (112u << 23);
  return static_cast<uint16_t>(sign | rounded >> 13);
}

// Random numbers of the given spread as a tensor's bytes.
inline Bytes RandomTensor(GgmlType type, uint64_t n, float mean, float spread, std::mt19937& rng) {
  Bytes out;
  const auto next = [&] { return mean + spread * (static_cast<float>(rng() >> 8) * 0x1p-23f - 1.0f); };
  for (uint64_t i = 0; i < n; ++i) {
    if (type == GgmlType::kF32) {
      GgufWriter::Append(out, next());
    } else if (type == GgmlType::kF16) {
      GgufWriter::Append(out, HalfFromFloat(next()));
    } else if (type == GgmlType::kQ4_0) {  // the scale makes 8 the spread
      if (i % 32 == 0) GgufWriter::Append(out, HalfFromFloat(spread / 8.0f * (1.0f + static_cast<float>(rng() % 8) / 16.0f)));
      if (i % 2 == 0) out.push_back(static_cast<uint8_t>(rng()));
    } else {  // Q8_0: the scale makes 127 the spread
      if (i % 32 == 0)
        GgufWriter::Append(out, HalfFromFloat(spread / 127.0f * (1.0f + static_cast<float>(rng() % 8) / 16.0f)));
      out.push_back(static_cast<uint8_t>(rng() % 255 - 127));
    }
  }
  return out;
}

inline Bytes RandomModel::Build() const {
  GgufWriter writer;
  const std::string prefix = architecture + ".";
  const auto count = [&](const std::string& key, uint32_t value) {
    writer.Set(prefix + key, lies.contains(key) ? lies.at(key) : value);
  };
  writer.Set("general.architecture", architecture)
      .Set(prefix + "attention.layer_norm_rms_epsilon", 1e-5f)
      .Set(prefix + "rope.freq_base", 10000.0f)
      .Set("tokenizer.ggml.tokens",
           tokens.empty() ? std::vector<std::string>(n_tokens.value_or(n_vocab), "x") : tokens);
  count("block_count", n_layer);
  count("context_length", n_ctx);
  count("embedding_length", n_embd);
  count("feed_forward_length", n_ff);
  count("attention.head_count", n_head);
  count("attention.head_count_kv", n_kv_head);
  if (head_dim) {
    writer.Set(prefix + "attention.key_length", *head_dim).Set(prefix + "attention.value_length", *head_dim);
  }
  if (rope_dim) writer.Set(prefix + "rope.dimension_count", *rope_dim);
  if (metadata) metadata(writer);

  std::mt19937 rng(seed);
  const auto add = [&](const std::string& name, std::vector<uint64_t> shape, GgmlType tensor_type, float mean,
                       float spread) {
    Tensor tensor{name, std::move(shape), tensor_type};
    if (edit && !edit(tensor)) return;
    uint64_t n = 1;
    for (const uint64_t d : tensor.shape) n *= d;
    writer.Tensor(tensor.name, tensor.type, tensor.shape, RandomTensor(tensor.type, n, mean, spread, rng));
  };
  const uint64_t d = n_embd, v = n_vocab, f = n_ff;
  const uint64_t head = head_dim.value_or(n_embd / n_head), q = n_head * head, kv = n_kv_head * head;
  add("token_embd.weight", {d, v}, type, 0, 1.0f);
  for (uint32_t i = 0; i < n_layer; ++i) {
    const std::string b = "blk." + std::to_string(i) + ".";
    add(b + "attn_norm.weight", {d}, GgmlType::kF32, 1, 0.2f);
    add(b + "attn_q.weight", {d, q}, type, 0, 0.4f);
    add(b + "attn_k.weight", {d, kv}, type, 0, 0.4f);
    add(b + "attn_v.weight", {d, kv}, type, 0, 0.2f);
    add(b + "attn_output.weight", {q, d}, type, 0, 0.2f);
    add(b + "ffn_norm.weight", {d}, GgmlType::kF32, 1, 0.2f);
    add(b + "ffn_gate.weight", {d, f}, type, 0, 0.2f);
    add(b + "ffn_up.weight", {d, f}, type, 0, 0.2f);
    add(b + "ffn_down.weight", {f, d}, type, 0, 0.2f);
  }
  add("output_norm.weight", {d}, GgmlType::kF32, 1, 0.2f);
  if (!tied) add("output.weight", {d, v}, type, 0, 0.5f);
  if (rope_factors)
    add("rope_freqs.weight", {rope_dim.value_or(static_cast<uint32_t>(head)) / 2}, GgmlType::kF32, 4, 3.0f);
  return writer.Build();
}

}  // namespace lp::testing
