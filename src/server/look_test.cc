// The questions around a step: rows by id, the curve, many draws, search, sweeps, numbers along a path, streams, code, models.
#include <gtest/gtest.h>

#include <cmath>

#include "server/api.h"
#include "support/reference_distribution.h"
#include "support/tiny_model.h"

namespace lp {
namespace {

class LookTest : public ::testing::Test {
 protected:
  ApiReply Post(const std::string& path, const std::string& body) { return api_.Handle("POST", "/api/v1/" + path, body); }
  Json Ok(const std::string& path, const std::string& body) {
    ApiReply reply = Post(path, body);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.body;
  }
  // Whole sentences that refuse, with the field they are about.
  void Refused(const std::string& path, const std::string& body, int status, const std::string& field) {
    const ApiReply reply = Post(path, body);
    EXPECT_EQ(reply.status, status) << path << body << reply.body;
    EXPECT_EQ(reply.body["error"]["field"], field) << path << body << reply.body;
  }
  std::vector<double> Raw(const std::vector<TokenId>& path) { return reference::Softmax(*engine_->Evaluate(path)->logits); }

  testing::TinyModelFile file_;
  std::unique_ptr<Engine> engine_ = std::move(Engine::Open(file_.path(), {.n_threads = 1})).value();
  Api api_{*engine_, "1.2.3"};
};

TEST_F(LookTest, RowsByIdWhateverTheirRank) {
  const Json next = Ok("next", R"({"tokens":[260,104],"top":1,"trace":true,"ids":[7,260],"sampler":{"top_k":3}})");
  ASSERT_EQ(next["asked"].size(), 2u);
  const Json all = Ok("next", R"({"tokens":[260,104],"top":0,"trace":true,"sampler":{"top_k":3}})");
  for (const Json& row : all["tokens"]) {
    if (row["id"] == 7) {
      EXPECT_EQ(row, next["asked"][0]);
    }
    if (row["id"] == 260) {
      EXPECT_EQ(row, next["asked"][1]);
    }
  }
  EXPECT_FALSE(all.contains("asked"));
  Refused("next", R"({"tokens":[260],"ids":[261]})", 400, "/ids/0");
  Refused("next", R"({"tokens":[260],"curve":1})", 400, "/curve");
}

TEST_F(LookTest, TheCurveIsTheSortedDistribution) {
  const Json curve = Ok("next", R"({"tokens":[260,104],"curve":true,"sampler":{"temperature":0.5,"top_k":9}})")["curve"];
  std::vector<double> sorted = Raw({260, 104});
  std::sort(sorted.rbegin(), sorted.rend());
  EXPECT_EQ(curve.front()["rank"], 1);
  EXPECT_EQ(curve.back()["rank"], 261);
  double kept = 0;
  for (const Json& point : curve) {
    const size_t rank = point["rank"];
    EXPECT_NEAR(point["prob_raw"].get<double>(), sorted[rank - 1], 1e-6 * sorted[rank - 1] + 1e-12);
    EXPECT_EQ(point["prob"].get<double>() > 0, rank <= 9) << rank;
    if (rank <= 9) kept += point["prob"].get<double>();  // ranks below ten are all listed
  }
  EXPECT_NEAR(kept, 1, 1e-6);
}

// Mutation: key every draw alike (UniformAt without the stream) -> red.
TEST_F(LookTest, AThousandDrawsFollowTheDistribution) {
  const std::string body = R"({"tokens":[260,104],"sampler":{"top_k":5,"seed":3},"n":20000})";
  const Json sampled = Ok("sample", body);
  EXPECT_EQ(sampled, Ok("sample", body));
  EXPECT_EQ(sampled["distinct"], 5);
  size_t n = 0;
  for (const Json& row : sampled["tokens"]) {
    const double p = row["prob"], count = row["count"];
    EXPECT_NEAR(count, 20000 * p, 5 * std::sqrt(20000 * p * (1 - p)));
    EXPECT_DOUBLE_EQ(row["expected"], 20000 * p);
    n += row["count"].get<size_t>();
  }
  EXPECT_EQ(n, 20000u);
  EXPECT_NE(sampled["tokens"], Ok("sample", R"({"tokens":[260,104],"sampler":{"top_k":5,"seed":4},"n":20000})")["tokens"]);
  Refused("sample", R"({"tokens":[260],"n":0})", 400, "/n");
  Refused("sample", R"({"tokens":[260],"n":100001})", 400, "/n");
}

TEST_F(LookTest, SearchFindsByTextIdAndBytes) {
  const Json found = Ok("search", R"({"tokens":[260,104],"query":"A"})");
  ASSERT_GE(found["matches"].get<size_t>(), 2u);
  for (size_t i = 0; i < 2; ++i) {  // both cases fit whole; the likelier one first
    EXPECT_TRUE(found["tokens"][i]["bytes_hex"] == "41" || found["tokens"][i]["bytes_hex"] == "61") << found["tokens"][i];
    EXPECT_TRUE(found["tokens"][i].contains("journey"));
  }
  EXPECT_GE(found["tokens"][0]["logit"].get<double>(), found["tokens"][1]["logit"].get<double>());
  EXPECT_EQ(Ok("search", R"({"tokens":[260],"query":"#17"})")["tokens"][0]["id"], 17);
  EXPECT_EQ(Ok("search", R"({"tokens":[260],"query":"0xc3"})")["tokens"][0]["bytes_hex"], "c3");
  EXPECT_EQ(Ok("search", R"({"tokens":[260],"query":"no such token at all"})")["matches"], 0);
  EXPECT_EQ(Ok("search", R"({"tokens":[260],"query":""})")["matches"], 0);
  EXPECT_EQ(Ok("search", R"({"tokens":[260],"query":"e","limit":1})")["tokens"].size(), 1u);
  Refused("search", R"({"tokens":[260]})", 400, "/query");
}

TEST_F(LookTest, ASweepIsManySettingsAtOnce) {
  const Json sweep = Ok("sweep", R"({"tokens":[260,104],"sampler":{"temp":9,"top_k":7},"setting":"temperature","values":[0.25,1,4]})");
  EXPECT_EQ(sweep["setting"], "temperature");
  for (const Json& point : sweep["points"]) {
    const Json next = Ok("next", Json{{"tokens", {260, 104}}, {"sampler", {{"temperature", point["value"]}, {"top_k", 7}}}}.dump());
    for (const char* name : {"entropy_bits", "perplexity", "top1_prob", "n_kept", "mass_cut", "kl_final_raw_bits", "kl_raw_final_bits"})
      EXPECT_EQ(point[name], next["metrics"][name]) << name << point;
  }
  Refused("sweep", R"({"tokens":[260],"setting":"heat","values":[1]})", 400, "/setting");
  Refused("sweep", R"({"tokens":[260],"setting":"top_p","values":[]})", 400, "/values");
  Refused("sweep", R"({"tokens":[260],"setting":"top_p","values":[0.5,2]})", 400, "/values/1");
}

// Mutation: forget to advance the history in PathAnswer -> red.
TEST_F(LookTest, APathHasTheNumbersOfItsSteps) {
  const Json path = Ok("path", R"({"tokens":[260,104,105,104],"prompt_length":2,"sampler":{"dialect":"openai","presence_penalty":1.5}})");
  ASSERT_EQ(path["tokens"].size(), 3u);
  double total = 0;
  const std::vector<TokenId> ids = {260, 104, 105, 104};
  for (size_t i = 1; i < ids.size(); ++i) {
    const std::vector<TokenId> before(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(i));
    const Json next = Ok("next", Json{{"tokens", before}, {"prompt_length", std::min<size_t>(2, i)}, {"top", 0}, {"sampler", {{"dialect", "openai"}, {"presence_penalty", 1.5}}}}.dump());
    const Json& token = path["tokens"][i - 1];
    EXPECT_EQ(token["position"], i);
    EXPECT_EQ(token["entropy_bits"], next["metrics"]["entropy_bits"]);
    EXPECT_EQ(token["entropy_raw_bits"], next["metrics"]["raw_entropy_bits"]);
    for (const Json& row : next["tokens"]) {
      if (row["id"] != ids[i]) continue;
      for (const char* name : {"prob_raw", "prob", "rank", "rank_raw", "cut_by"}) EXPECT_EQ(token[name], row[name]) << name;
      total += std::log(row["prob_raw"].get<double>());
    }
  }
  EXPECT_NEAR(path["total_logprob_raw"], total, 1e-9);
  EXPECT_NEAR(path["perplexity_raw"], std::exp(-total / 3), 1e-9);
  Refused("path", R"({"tokens":[260]})", 400, "/tokens");
  Refused("path", R"({"tokens":[260,900]})", 400, "/tokens/1");
}

TEST_F(LookTest, PathsAreRememberedStepByStep) {
  Ok("path", R"({"tokens":[260,104,105,104]})");
  EXPECT_EQ(Ok("next", R"({"tokens":[260,104,105]})")["logits_cached"], true);
  const auto fresh = std::move(Engine::Open(file_.path(), {.n_threads = 2})).value();
  const std::string hash = LogitsHash(*fresh->Evaluate(std::vector<TokenId>{260, 104, 105})->logits);
  EXPECT_EQ(Ok("next", R"({"tokens":[260,104,105]})")["logits_hash"], hash);
}

// What a stream gives is what draw after draw gives. Mutation: draw all tokens at the first position -> red.
TEST_F(LookTest, AStreamIsDrawAfterDraw) {
  auto stream = api_.Stream(R"({"tokens":[260,104],"sampler":{"seed":11,"top_k":40},"n":6})");
  ASSERT_TRUE(std::holds_alternative<std::unique_ptr<Generation>>(stream));
  Generation& generation = *std::get<std::unique_ptr<Generation>>(stream);
  std::vector<TokenId> tokens = {260, 104};
  std::string last;
  while (const auto event = generation.Next([] { return true; })) {
    last = *event;
    if (!event->starts_with("event: token")) break;
    const Json streamed = Json::parse(event->substr(event->find("data: ") + 6));
    const Json drawn = Ok("draw", Json{{"tokens", tokens}, {"prompt_length", 2}, {"sampler", {{"seed", 11}, {"top_k", 40}}}}.dump());
    EXPECT_EQ(streamed["token"], drawn["token"]);
    EXPECT_EQ(streamed["u"], drawn["u"]);
    EXPECT_GT(streamed["metrics"]["perplexity"], 1);
    tokens.push_back(drawn["token"]["id"]);
  }
  EXPECT_TRUE(last == "event: done\ndata: {\"reason\":\"length\",\"n\":6}\n\n" || last.find("end_of_text") != std::string::npos) << last;
  EXPECT_FALSE(generation.Next([] { return true; }).has_value());
}

TEST_F(LookTest, AStreamStopsWhenNobodyListens) {
  auto stream = api_.Stream(R"({"tokens":[260,104],"n":100,"delay_ms":10000})");
  Generation& generation = *std::get<std::unique_ptr<Generation>>(stream);
  EXPECT_TRUE(generation.Next([] { return true; }).has_value());
  int asked = 0;
  EXPECT_FALSE(generation.Next([&] { return ++asked < 3; }).has_value());
  EXPECT_EQ(asked, 3);
}

TEST_F(LookTest, WhatIsWrongWithAStreamIsSaidBeforeIt) {
  const auto refused = api_.Stream(R"({"tokens":[260],"n":0})");
  ASSERT_TRUE(std::holds_alternative<ApiReply>(refused));
  EXPECT_EQ(std::get<ApiReply>(refused).status, 400);
  EXPECT_EQ(api_.Handle("GET", "/api/v1/generate", "").status, 405);
}

TEST_F(LookTest, CodeForEveryEngine) {
  const Json code = Ok("code", R"({"tokens":[260,104],"sampler":{"dialect":"transformers","temperature":0.7,"top_k":50,"top_p":0.9}})");
  std::map<std::string, Json> by_name;
  for (const Json& target : code["targets"]) by_name[target["name"]] = target;
  ASSERT_EQ(by_name.size(), 5u);
  EXPECT_EQ(by_name["llama.cpp"]["exact"], true);
  for (const char* flag : {"--temp 0.7", "--top-k 50", "--top-p 0.9", "--sampling-seq 'tkp'"})
    EXPECT_NE(by_name["llama.cpp"]["code"].get<std::string>().find(flag), std::string::npos) << by_name["llama.cpp"];
  EXPECT_NE(by_name["transformers"]["code"].get<std::string>().find("do_sample=True"), std::string::npos);
  EXPECT_NE(by_name["vllm"]["code"].get<std::string>().find("SamplingParams(\n"), std::string::npos);
  EXPECT_NE(by_name["ollama"]["code"].get<std::string>().find("PARAMETER top_k 50\n"), std::string::npos);
  EXPECT_EQ(by_name["openai"]["exact"], false);
  EXPECT_TRUE(Json::accept(by_name["openai"]["code"].get<std::string>()));
}

// Without a text, only what holds for every text is said. Mutation: hand out what was fitted on made-up logits -> red.
TEST_F(LookTest, CodeWithoutATextIsExactOrNone) {
  const Json plain = Ok("code", R"({"sampler":{"dialect":"transformers","temperature":0.7,"top_k":50}})");
  const Json there = Ok("code", R"({"tokens":[260,104],"sampler":{"dialect":"transformers","temperature":0.7,"top_k":50}})");
  size_t n_exact = 0;
  for (size_t i = 0; i < plain["targets"].size(); ++i) {
    const Json& target = plain["targets"][i];
    EXPECT_EQ(target["exact"], there["targets"][i]["exact"]) << target;
    if (target["exact"]) {
      ++n_exact;
      EXPECT_EQ(target, there["targets"][i]);
    } else {
      EXPECT_EQ(target["code"], "") << target;
      EXPECT_FALSE(target["notes"].empty());
    }
  }
  EXPECT_GE(n_exact, 3u);
  EXPECT_LT(n_exact, plain["targets"].size());  // OpenAI has no top_k
}

TEST_F(LookTest, StatusNamesTheFile) {
  const Json status = api_.Handle("GET", "/api/v1/status", "").body;
  EXPECT_EQ("/tmp/" + status["model_file"].get<std::string>(), file_.path());
}

TEST_F(LookTest, AModelWithoutATemplateSaysSo) {
  Refused("chat", R"({"messages":[{"role":"user","content":"hello"}]})", 422, "/messages");
  Refused("chat", R"({"messages":[]})", 400, "/messages");
  Refused("chat", R"({"messages":[{"role":"user"}]})", 400, "/messages/0");
}

// Mutation: leave special tokens out of `text` -> red.
TEST(ChatApi, AConversationIsTokensAndItsText) {
  const testing::TinyModelFile file(true, 64, "talker", "{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}a:{% endif %}");
  const auto engine = std::move(Engine::Open(file.path(), {.n_threads = 1})).value();
  Api api(*engine, "1.2.3");
  EXPECT_EQ(api.Handle("GET", "/api/v1/status", "").body["model"]["chat"], true);
  const Json asked = api.Handle("POST", "/api/v1/chat", R"({"messages":[{"role":"user","content":"hello"}]})").body;
  EXPECT_EQ(asked["text"], "user: hello<|endoftext|>a:");
  EXPECT_EQ(asked["ids"], Json::parse("[117,115,101,114,58,32,259,260,97,58]"));
  const Json told = api.Handle("POST", "/api/v1/chat", R"({"messages":[{"role":"user","content":"hello"}],"add_generation_prompt":false})").body;
  EXPECT_EQ(told["text"], "user: hello<|endoftext|>");
}

TEST_F(LookTest, ModelsAreListedAndAnUnknownOneIsRefused) {
  EXPECT_EQ(api_.Handle("GET", "/api/v1/models", "").status, 200);
  Refused("model", R"({"name":"nothing of that name"})", 422, "/name");
  Refused("model", R"({"name":"/etc/passwd"})", 422, "/name");  // a name, never a path
  EXPECT_EQ(Ok("next", R"({"tokens":[260]})")["vocab_size"], 261);
}

// Mutation: keep serving the old engine after Load -> red.
TEST_F(LookTest, AnotherModelTakesItsPlace) {
  ModelHost host(std::shared_ptr<Engine>(std::shared_ptr<void>(), engine_.get()), {.n_threads = 1});
  const auto held = host.Current();
  ASSERT_TRUE(host.Load("logitpeek-tales-q8_0").ok());
  EXPECT_EQ(host.Current()->info().n_vocab, 4096u);
  EXPECT_EQ(held->info().n_vocab, 261u);  // a request under way goes on with the old one
  EXPECT_FALSE(host.loading().has_value());
  EXPECT_FALSE(host.Load("nothing").ok());
  EXPECT_EQ(host.Current()->info().n_vocab, 4096u);
}

}  // namespace
}  // namespace lp
