// The llama architecture a second time, for tests: plain loops in double, no cache, no batches, no SIMD, and no code
// shared with src/quant or src/model. Reads the same GgufFile. Slow on purpose: every position is computed from the
// start each time.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "base/token.h"
#include "gguf/gguf.h"

namespace lp::testing {

using Doubles = std::vector<double>;

// A half from its definition.
inline double HalfValue(uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const double mantissa = (bits & 1023) / 1024.0, sign = bits >> 15 ? -1.0 : 1.0;
  if (exponent == 31) {
    return mantissa != 0 ? std::numeric_limits<double>::quiet_NaN() : sign * std::numeric_limits<double>::infinity();
  }
  return exponent == 0 ? sign * std::ldexp(mantissa, -14) : sign * std::ldexp(1 + mantissa, exponent - 15);
}

// All numbers of an F32, F16 or Q8_0 tensor in the order of the file: rows of shape[0].
inline Doubles TensorValues(const GgufTensor& tensor) {
  Doubles out(static_cast<size_t>(tensor.n_elements()));
  const uint8_t* data = tensor.data.data();
  const auto half = [data](size_t at) { return HalfValue(static_cast<uint16_t>(data[at] | data[at + 1] << 8)); };
  for (size_t i = 0; i < out.size(); ++i) {
    if (tensor.type == GgmlType::kF32) {
      float value;
      std::memcpy(&value, data + 4 * i, 4);
      out[i] = static_cast<double>(value);
    } else if (tensor.type == GgmlType::kF16) {
      out[i] = half(2 * i);
    } else {  // Q8_0: blocks of a half and 32 int8
      out[i] = half(i / 32 * 34) * static_cast<int8_t>(data[i / 32 * 34 + 2 + i % 32]);
    }
  }
  return out;
}

class ReferenceModel {
 public:
  // `file` must be a valid model; nothing is checked. It must outlive the reference.
  explicit ReferenceModel(const GgufFile& file) : file_(file) {
    n_layer_ = Count("block_count");
    n_embd_ = Count("embedding_length");
    n_head_ = Count("attention.head_count");
    n_kv_head_ = file.Find("llama.attention.head_count_kv") ? Count("attention.head_count_kv") : n_head_;
    head_dim_ = file.Find("llama.attention.key_length") ? Count("attention.key_length") : n_embd_ / n_head_;
    rope_dim_ = file.Find("llama.rope.dimension_count") ? Count("rope.dimension_count") : head_dim_;
    rope_base_ = *file.GetFloat("llama.rope.freq_base", 10000.0);
    rope_factor_ = *file.GetFloat("llama.rope.scaling.factor", 1.0);
    epsilon_ = *file.GetFloat("llama.attention.layer_norm_rms_epsilon");
  }

  // Logits after each token: [tokens.size()][n_vocab].
  std::vector<Doubles> Logits(std::span<const TokenId> tokens) const {
    const Doubles embedding = Values("token_embd.weight");
    std::vector<Doubles> x(tokens.size());
    for (size_t t = 0; t < tokens.size(); ++t) {
      const size_t row = static_cast<size_t>(tokens[t]) * n_embd_;
      for (size_t i = 0; i < n_embd_; ++i) x[t].push_back(embedding[row + i]);
    }
    for (size_t layer = 0; layer < n_layer_; ++layer) Layer("blk." + std::to_string(layer) + ".", x);
    const Doubles norm = Values("output_norm.weight");
    const Doubles head = file_.FindTensor("output.weight") ? Values("output.weight") : embedding;
    std::vector<Doubles> logits;
    for (const Doubles& row : x) logits.push_back(Times(head, Norm(row, norm)));
    return logits;
  }

 private:
  size_t Count(const std::string& name) const { return static_cast<size_t>(*file_.GetUint("llama." + name)); }
  Doubles Values(const std::string& name) const { return TensorValues(*file_.FindTensor(name)); }

  static Doubles Times(const Doubles& matrix, const Doubles& x) {
    Doubles y(matrix.size() / x.size());
    for (size_t r = 0; r < y.size(); ++r) {
      for (size_t c = 0; c < x.size(); ++c) y[r] += matrix[r * x.size() + c] * x[c];
    }
    return y;
  }

  Doubles Norm(const Doubles& x, const Doubles& weight) const {
    double sum = 0;
    for (const double v : x) sum += v * v;
    const double root = std::sqrt(sum / static_cast<double>(x.size()) + epsilon_);
    Doubles y;
    for (size_t i = 0; i < x.size(); ++i) y.push_back(x[i] / root * weight[i]);
    return y;
  }

  void Rotate(Doubles& x, size_t position) const {
    const Doubles factors =
        file_.FindTensor("rope_freqs.weight") ? Values("rope_freqs.weight") : Doubles(rope_dim_ / 2, 1.0);
    for (size_t head = 0; head < x.size(); head += head_dim_) {
      for (size_t i = 0; i < rope_dim_ / 2; ++i) {
        const double wavelength = std::pow(rope_base_, 2.0 * static_cast<double>(i) / static_cast<double>(rope_dim_));
        const double angle = static_cast<double>(position) / rope_factor_ / wavelength / factors[i];
        const double a = x[head + 2 * i], b = x[head + 2 * i + 1];
        x[head + 2 * i] = a * std::cos(angle) - b * std::sin(angle);
        x[head + 2 * i + 1] = a * std::sin(angle) + b * std::cos(angle);
      }
    }
  }

  // The mixed values of one head at position t.
  Doubles Mix(const std::vector<Doubles>& q, const std::vector<Doubles>& k, const std::vector<Doubles>& v, size_t head,
              size_t t) const {
    const size_t from = head * head_dim_, kv_from = head / (n_head_ / n_kv_head_) * head_dim_;
    Doubles p(t + 1);
    double total = 0, max = -std::numeric_limits<double>::infinity();
    for (size_t s = 0; s <= t; ++s) {
      for (size_t i = 0; i < head_dim_; ++i) p[s] += q[t][from + i] * k[s][kv_from + i];
      p[s] /= std::sqrt(static_cast<double>(head_dim_));
      max = std::max(max, p[s]);
    }
    for (double& value : p) total += value = std::exp(value - max);
    Doubles out(head_dim_);
    for (size_t s = 0; s <= t; ++s) {
      for (size_t i = 0; i < head_dim_; ++i) out[i] += p[s] / total * v[s][kv_from + i];
    }
    return out;
  }

  void Layer(const std::string& prefix, std::vector<Doubles>& x) const {
    const auto weight = [&](const char* name) { return Values(prefix + name + ".weight"); };
    const Doubles attn_norm = weight("attn_norm"), ffn_norm = weight("ffn_norm");
    const Doubles wq = weight("attn_q"), wk = weight("attn_k"), wv = weight("attn_v"), wo = weight("attn_output");
    const Doubles gate = weight("ffn_gate"), up = weight("ffn_up"), down = weight("ffn_down");
    std::vector<Doubles> q, k, v;
    for (size_t t = 0; t < x.size(); ++t) {
      const Doubles h = Norm(x[t], attn_norm);
      q.push_back(Times(wq, h)), k.push_back(Times(wk, h)), v.push_back(Times(wv, h));
      Rotate(q[t], t), Rotate(k[t], t);
    }
    for (size_t t = 0; t < x.size(); ++t) {
      Doubles mixed;
      for (size_t head = 0; head < n_head_; ++head) {
        for (const double value : Mix(q, k, v, head, t)) mixed.push_back(value);
      }
      AddTo(x[t], Times(wo, mixed));
      const Doubles h = Norm(x[t], ffn_norm);
      Doubles inner = Times(gate, h);
      const Doubles other = Times(up, h);
      for (size_t i = 0; i < inner.size(); ++i) inner[i] = inner[i] / (1 + std::exp(-inner[i])) * other[i];
      AddTo(x[t], Times(down, inner));
    }
  }

  static void AddTo(Doubles& x, const Doubles& y) {
    for (size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  }

  const GgufFile& file_;
  size_t n_layer_, n_embd_, n_head_, n_kv_head_, head_dim_, rope_dim_;
  double rope_base_, rope_factor_, epsilon_;
};

}  // namespace lp::testing
