#include "server/api.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/reference_distribution.h"
#include "support/tiny_model.h"

namespace lp {
namespace {

class ApiTest : public ::testing::Test {
 protected:
  ApiReply Post(const std::string& path, const std::string& body) {
    return api_.Handle("POST", "/api/v1/" + path, body);
  }

  testing::TinyModelFile file_;
  std::unique_ptr<Engine> engine_ = std::move(Engine::Open(file_.path(), {.n_threads = 1})).value();
  Api api_{*engine_, "1.2.3"};
};

TEST_F(ApiTest, Status) {
  const ApiReply reply = api_.Handle("GET", "/api/v1/status", "");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body["model"]["chat"], false);
  EXPECT_EQ(reply.body["loading"], nullptr);
  EXPECT_EQ(reply.body["version"], "1.2.3");
  EXPECT_EQ(reply.body["model"]["vocab_size"], 261);
  EXPECT_EQ(reply.body["model"]["bos_id"], 260);
}

TEST_F(ApiTest, TokenizeKeepsBytes) {
  const ApiReply reply = Post("tokenize", R"({"text":"hello \u00fc"})");
  EXPECT_EQ(reply.body["ids"].dump(), "[260,259,32,195,188]");
  EXPECT_EQ(reply.body["tokens"][3]["bytes_hex"], "c3");
  EXPECT_EQ(reply.body["pieces"][3], "\xEF\xBF\xBD");
}

// The whole vocabulary comes back, and its probabilities are the softmax of its logits.
TEST_F(ApiTest, NextGivesTheWholeDistribution) {
  const ApiReply reply = Post("next", R"({"tokens":[260,104],"top":0})");
  ASSERT_EQ(reply.status, 200);
  ASSERT_EQ(reply.body["tokens"].size(), 261u);
  std::vector<float> logits(261);
  for (const Json& row : reply.body["tokens"]) logits[row["id"].get<size_t>()] = row["logit"].get<float>();
  EXPECT_EQ(logits, *engine_->Evaluate(std::vector<TokenId>{260, 104})->logits);
  const std::vector<double> expected = reference::Softmax(logits);
  for (const Json& row : reply.body["tokens"]) {
    EXPECT_NEAR(row["prob_raw"].get<double>(), expected[row["id"].get<size_t>()], 1e-6);
    EXPECT_EQ(row["prob"], row["prob_raw"]);
  }
}

TEST_F(ApiTest, AskingAgainDoesNotRunTheModel) {
  EXPECT_EQ(Post("next", R"({"tokens":[260,104]})").body["logits_cached"], false);
  const ApiReply again = Post("next", R"({"tokens":[260,104],"sampler":{"temperature":0.5,"top_k":3}})");
  EXPECT_EQ(again.body["logits_cached"], true);
  EXPECT_EQ(again.body["metrics"]["n_kept"], 3);
  const std::string hash = again.body["logits_hash"];
  EXPECT_EQ(hash.size(), 16u);
  Post("next", R"({"tokens":[260,105,106,107]})");  // another branch, then this path again in an engine that knows nothing
  const auto fresh = std::move(Engine::Open(file_.path(), {.n_threads = 3})).value();
  EXPECT_EQ(LogitsHash(*fresh->Evaluate(std::vector<TokenId>{260, 104})->logits), hash);
  EXPECT_NE(Post("next", R"({"tokens":[260,105]})").body["logits_hash"], hash);
}

TEST_F(ApiTest, DrawIsReproducibleAndInTheDistribution) {
  const std::string body = R"({"tokens":[260,104],"sampler":{"seed":5,"top_k":4}})";
  const ApiReply a = Post("draw", body), b = Post("draw", body);
  EXPECT_EQ(a.body, b.body);
  EXPECT_GT(a.body["token"]["prob"], 0);
  const ApiReply greedy = Post("draw", R"({"tokens":[260,104],"mode":"greedy"})");
  EXPECT_EQ(greedy.body["token"]["rank"], 1);
  EXPECT_TRUE(greedy.body["u"].is_null());
}

TEST_F(ApiTest, PenaltiesKnowWhatIsPrompt) {
  // vLLM's presence penalty looks at the output only: with everything prompt it does nothing.
  const std::string sampler = R"("sampler":{"dialect":"vllm","presence_penalty":2},"top":0)";
  const ApiReply prompt = Post("next", R"({"tokens":[260,104,105],)" + sampler + "}");
  const ApiReply output = Post("next", R"({"tokens":[260,104,105],"prompt_length":1,)" + sampler + "}");
  ASSERT_EQ(prompt.status, 200) << prompt.body.dump();
  EXPECT_EQ(prompt.body["metrics"]["kl_final_raw_bits"], 0);
  EXPECT_GT(output.body["metrics"]["kl_final_raw_bits"], 0);
}

TEST_F(ApiTest, GreedyTakesTheLikeliestTokenLeft) {
  const ApiReply all = Post("next", R"({"tokens":[260,104],"top":1})");
  const int best = all.body["tokens"][0]["id"];
  const std::string banned = R"({"tokens":[260,104],"mode":"greedy","sampler":{"suppress_tokens":[)" + std::to_string(best) + "]}}";
  const ApiReply second = Post("draw", banned);
  EXPECT_NE(second.body["token"]["id"], best);
  EXPECT_TRUE(second.body["token"]["cut_by"].is_null());
}

TEST_F(ApiTest, MirostatSaysItsNextState) {
  const ApiReply drawn = Post("draw", R"({"tokens":[260,104],"sampler":{"mirostat":2,"mirostat_tau":3}})");
  ASSERT_EQ(drawn.status, 200) << drawn.body.dump();
  const double surprise = -std::log2(drawn.body["token"]["prob"].get<double>());
  EXPECT_NEAR(drawn.body["mirostat_mu"].get<double>(), 6 - 0.1 * (surprise - 3), 1e-9);
  EXPECT_TRUE(Post("draw", R"({"tokens":[260,104]})").body["mirostat_mu"].is_null());
}

TEST_F(ApiTest, ComparesTwoDialects) {
  const ApiReply reply = Post("compare", R"({"tokens":[260,104],"a":{"dialect":"llama.cpp"},"b":{"dialect":"transformers"},"top":5})");
  ASSERT_EQ(reply.status, 200) << reply.body.dump();
  EXPECT_EQ(reply.body["a"]["sampler"]["dialect"], "llama.cpp");
  EXPECT_EQ(reply.body["n_kept_b"], 50);
  EXPECT_EQ(reply.body["tokens"].size(), 5u);
  EXPECT_EQ(Post("compare", R"({"tokens":[260],"a":{"top_p":0}})").body["error"]["field"], "/a/top_p");
}

TEST_F(ApiTest, TranslatesSettings) {
  const ApiReply reply = Post("translate", R"({"tokens":[260,104],"from":{"top_k":3},"to":"llama.cpp"})");
  ASSERT_EQ(reply.status, 200) << reply.body.dump();
  EXPECT_EQ(reply.body["settings"]["top_k"], 3);
  EXPECT_NEAR(reply.body["total_variation"].get<double>(), 0, 1e-9);
  EXPECT_EQ(Post("translate", R"({"tokens":[260],"from":{},"to":"klingon"})").body["error"]["field"], "/to");
}

TEST_F(ApiTest, ListsDialects) {
  EXPECT_EQ(api_.Handle("GET", "/api/v1/dialects", "").body["dialects"].size(), 7u);
}

TEST_F(ApiTest, BadRequestsNameTheField) {
  const struct {
    const char *path, *body;
    int status;
    const char* field;
  } kCases[] = {
      {"next", "{", 400, nullptr},
      {"next", "[]", 400, nullptr},
      {"next", "\xFF", 400, nullptr},
      {"next", "{}", 400, "/tokens"},
      {"next", R"({"tokens":[1.5]})", 400, "/tokens/0"},
      {"next", R"({"tokens":[260,99999999999]})", 400, "/tokens/1"},
      {"next", R"({"tokens":[260,-1]})", 400, "/tokens/1"},
      {"next", R"({"tokens":[260,261]})", 400, "/tokens/1"},
      {"next", R"({"tokens":[]})", 422, "/tokens"},
      {"next", R"({"tokens":[1],"top":-1})", 400, "/top"},
      {"next", R"({"tokens":[1],"trace":1})", 400, "/trace"},
      {"next", R"({"tokens":[1],"tok":1})", 400, "/tok"},
      {"next", R"({"tokens":[1],"sampler":{"top_p":0}})", 400, "/sampler/top_p"},
      {"next", R"({"tokens":[1],"sampler":{"chain":"top_q=1"}})", 400, "/sampler/chain"},
      {"next", R"({"tokens":[1],"sampler":{"suppress_tokens":[261]}})", 400, nullptr},
      {"next", R"({"tokens":[1],"prompt_length":2})", 400, "/prompt_length"},
      {"draw", R"({"tokens":[1],"mode":"best"})", 400, "/mode"},
      {"tokenize", R"({"text":5})", 400, "/text"},
      {"tokenize", R"({"text":""})", 422, "/text"},
  };
  for (const auto& c : kCases) {
    const ApiReply reply = Post(c.path, c.body);
    EXPECT_EQ(reply.status, c.status) << c.body;
    const Json error = reply.body["error"];
    EXPECT_FALSE(error["message"].get<std::string>().empty()) << c.body;
    if (c.field != nullptr) {
      EXPECT_EQ(error["field"], c.field) << c.body;
    }
  }
  EXPECT_EQ(Post("next", Dump({{"tokens", std::vector<int>(65, 1)}})).status, 422);
  EXPECT_EQ(Post("nothing", "{}").status, 404);
  EXPECT_EQ(api_.Handle("GET", "/api/v1/next", "").status, 405);
  EXPECT_EQ(api_.Handle("POST", "/api/v1/status", "").status, 405);
}

}  // namespace
}  // namespace lp
