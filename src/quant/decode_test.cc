// Decoding against numbers that others worked out: tests/fixtures/dequantised_blocks.json, by the PyPI package gguf
// (tests/tools/make_dequantised_blocks.py). Against the formats' definitions: matrix_test.cc.
#include <gtest/gtest.h>

#include <bit>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "quant/matrix.h"
#include "support/simd_targets.h"

namespace lp {
namespace {

std::vector<uint8_t> FromHex(const std::string& hex) {
  std::vector<uint8_t> out;
  for (size_t i = 0; i < hex.size(); i += 2)
    out.push_back(static_cast<uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
  return out;
}

TEST(Decode, EqualsWhatThePackageOfLlamaCppMakesOfTheSameBlocks) {
  std::ifstream in(std::string(LP_SOURCE_DIR) + "/tests/fixtures/dequantised_blocks.json");
  const auto fixture = nlohmann::json::parse(in);
  size_t n_types = 0;
  for (uint32_t number = 0; number < 64; ++number) {
    const GgmlTypeInfo* info = FindGgmlType(number);
    if (info == nullptr || !fixture.at("blocks").contains(info->name)) continue;
    ++n_types;
    const auto& block = fixture.at("blocks").at(std::string(info->name));
    const std::vector<uint8_t> bytes = FromHex(block.at("bytes")), expected = FromHex(block.at("floats"));
    const WeightMatrix w = MakeWeightMatrix(static_cast<GgmlType>(number), 1, info->block_size, bytes);
    ForEachSimdTarget([&] {
      std::vector<float> out(w.cols);
      DecodeRow(w, 0, out);
      for (size_t i = 0; i < out.size(); ++i) {
        uint32_t bits = 0;
        for (size_t b = 0; b < 4; ++b) bits = bits << 8 | expected[4 * i + b];
        ASSERT_EQ(std::bit_cast<uint32_t>(out[i]), bits) << info->name << " " << i;
      }
    });
  }
  EXPECT_EQ(n_types, fixture.at("blocks").size());
}

}  // namespace
}  // namespace lp
