// Logits of real models as others published them, against the top lists and probabilities published with them. The files are not part of
// the project: ../shared/data/logits.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/logits_file.h"
#include "metrics/metrics.h"
#include "sampling/trace.h"
#include "support/shared_data.h"

namespace lp {
namespace {

using nlohmann::json;

void CheckTop(const Trace& trace, const json& top) {
  for (size_t i = 0; i < top.size(); ++i) {
    const TokenRow row = trace.Row(i + 1);
    EXPECT_EQ(row.id, top[i]["id"].get<TokenId>()) << i;
    EXPECT_EQ(row.logit, static_cast<double>(static_cast<float>(top[i]["logit"].get<double>()))) << i;
    EXPECT_NEAR(row.prob_raw, top[i]["probability"].get<double>(), 1e-6 * row.prob_raw) << i;
  }
}

// Transformer Explainer's GPT-2: probabilities in double, and what its page shows for temperature 0.8, top-k 5.
TEST(RealLogits, Gpt2) {
  LP_SHARED_OR_SKIP(reference, "data/logits/gpt2_reference.json");
  std::ifstream file(reference);
  const json all = json::parse(file);
  for (const json& c : all["cases"]) {
    SCOPED_TRACE(c["id"].get<std::string>());
    const auto logits = ReadLogits(testing::SharedPath("data/logits/" + c["full_logits_file"].get<std::string>()));
    ASSERT_TRUE(logits.ok());
    ASSERT_EQ(logits->size(), 50257u);
    const auto raw = Trace::Run(*logits, {}, {});
    EXPECT_NEAR(raw->raw().sums().LogSumExp(), c["full_logits_stats"]["logsumexp"].get<double>(), 1e-6);
    EXPECT_NEAR(ComputeMetrics(*raw).entropy, c["derived_softmax_T1"]["entropy_nats"].get<double>(), 2e-6);
    CheckTop(*raw, c["derived_softmax_T1"]["top20"]);
    const json& published = c["published_sampling"];
    const int64_t k = published["k"];
    const auto shaped = Trace::Run(*logits, {}, {.stages = {Temperature{published["temperature"]}, TopK{.k = k}}});
    for (size_t i = 0; i < published["top50"].size(); ++i) {
      const json& token = published["top50"][i];
      const TokenRow row = shaped->Row(i + 1);
      EXPECT_EQ(row.id, token["id"].get<TokenId>());
      EXPECT_EQ(!row.cut_by, token["kept"].get<bool>());
      EXPECT_NEAR(row.prob, token["probability"].get<double>(), 2e-5) << "their temperature divides float32 logits near -150, too";
    }
  }
}

TEST(RealLogits, Rwkv) {
  LP_SHARED_OR_SKIP(reference, "data/logits/rwkv4_169m_reference.json");
  std::ifstream file(reference);
  const json all = json::parse(file);
  for (const json& c : all["cases"]) {
    SCOPED_TRACE(c["id"].get<std::string>());
    const auto logits = ReadLogits(testing::SharedPath("data/logits/" + c["file"].get<std::string>()));
    ASSERT_TRUE(logits.ok());
    const auto raw = Trace::Run(*logits, {}, {});
    EXPECT_NEAR(raw->raw().sums().LogSumExp(), c["stats"]["logsumexp"].get<double>(), 1e-6);
    EXPECT_NEAR(ComputeMetrics(*raw).entropy, c["derived_softmax_T1"]["entropy_nats"].get<double>(), 2e-6);
    CheckTop(*raw, c["derived_softmax_T1"]["top30"]);
  }
}

}  // namespace
}  // namespace lp
