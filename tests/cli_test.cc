// The command line as a person or a script meets it: the real program in a process of its own, on the shipped model.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

namespace lp {
namespace {

using nlohmann::json;

struct Outcome {
  int status = -1;
  std::string out, err;
};

// Runs `logitpeek ARGS` through the shell.
Outcome RunCommand(const std::string& args, const std::string& before = "") {
  const std::string errors = ::testing::TempDir() + "/logitpeek_stderr_" + std::to_string(::getpid());
  FILE* pipe = ::popen((before + LP_BINARY " " + args + " 2>" + errors).c_str(), "r");
  Outcome outcome;
  std::array<char, 4096> buffer;
  while (const size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) outcome.out.append(buffer.data(), n);
  outcome.status = WEXITSTATUS(::pclose(pipe));
  std::ifstream file(errors);
  outcome.err.assign(std::istreambuf_iterator<char>(file), {});
  std::remove(errors.c_str());
  return outcome;
}

json RunJson(const std::string& args) {
  const Outcome outcome = RunCommand(args);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  return json::parse(outcome.out);
}

// One line on stderr that begins with the program's name and holds `part`; nothing on stdout.
void ExpectFailure(const std::string& args, int status, const std::string& part) {
  const Outcome outcome = RunCommand(args);
  EXPECT_EQ(outcome.status, status) << args;
  EXPECT_EQ(outcome.out, "") << args;
  EXPECT_TRUE(outcome.err.starts_with("logitpeek: ")) << args << "\n" << outcome.err;
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  EXPECT_NE(outcome.err.find(part), std::string::npos) << args << "\n" << outcome.err;
}

TEST(Cli, NextIsTheWholeDistribution) {
  const json all = RunJson("next -p 'Once upon a time' --top 0 --json");
  ASSERT_EQ(all["tokens"].size(), all["vocab_size"].get<size_t>());
  double sum = 0, max = -1e30;
  for (const json& row : all["tokens"]) max = std::max(max, row["logit"].get<double>());
  for (const json& row : all["tokens"]) sum += std::exp(row["logit"].get<double>() - max);
  double total = 0;
  for (const json& row : all["tokens"]) {
    total += row["prob_raw"].get<double>();
    ASSERT_NEAR(row["prob_raw"].get<double>(), std::exp(row["logit"].get<double>() - max) / sum, 1e-6);
    ASSERT_EQ(row["prob"], row["prob_raw"]);  // no flag: nothing is changed
    ASSERT_TRUE(row["cut_by"].is_null());
  }
  EXPECT_NEAR(total, 1, 1e-6);
  EXPECT_EQ(all["metrics"]["mass_cut"], 0);
  EXPECT_EQ(all["metrics"]["kl_final_raw_bits"], 0);
}

TEST(Cli, SamplerFlagsUnderEveryName) {
  const json a =
      RunJson("next -p Once --json --temp 0.7 --top-k 30 --top-p 0.9 --repeat-penalty 1.1 --repeat-last-n 8 --seed 3");
  const json b = RunJson(
      "next -p Once --json --temperature 0.7 --top_k 30 --top_p 0.9 --repetition-penalty 1.1 --repeat_last_n 8 -s 3");
  EXPECT_EQ(a, b);
  EXPECT_EQ(a["sampler"].dump(),
            R"({"repeat_last_n":8,"repetition_penalty":1.1,"seed":3,"temperature":0.7,"top_k":30,"top_p":0.9})");
  EXPECT_EQ(a["tokens"].size(), 20u);
}

TEST(Cli, GenerateIsReproducibleOnAnyNumberOfThreads) {
  const std::string flags = "generate -p 'The old king' -n 24 --temp 0.9 --top-p 0.95 --json ";
  const json one = RunJson(flags + "--seed 11 -t 1"), two = RunJson(flags + "--seed 11 -t 2"),
             other = RunJson(flags + "--seed 12");
  EXPECT_EQ(one, two);
  EXPECT_NE(one["text"], other["text"]);
  EXPECT_EQ(one["sampler"]["seed"], 11);
  std::string joined;
  for (const json& token : one["tokens"]) joined += token["bytes_hex"].get<std::string>();
  EXPECT_FALSE(joined.empty());
  const Outcome plain = RunCommand("generate -p 'The old king' -n 24 --temp 0.9 --top-p 0.95 --seed 11");
  EXPECT_EQ(plain.out, "The old king" + one["text"].get<std::string>() + "\n");
}

TEST(Cli, TokenizeRoundTrips) {
  const json tokens = RunJson("tokenize 'na\xC3\xAFve caf\xC3\xA9 \xF0\x9F\x98\x80' --json");
  std::string hex;
  for (const json& token : tokens["tokens"]) hex += token["bytes_hex"].get<std::string>();
  EXPECT_EQ(hex, "6e61c3af766520636166c3a920f09f9880");
  EXPECT_EQ(tokens["ids"].size(), tokens["pieces"].size());
}

TEST(Cli, ScoreReadsStandardInput) {
  const json score = json::parse(RunCommand("score - --json", "printf 'Once upon a time there was a king.' | ").out);
  EXPECT_EQ(score["n_bytes"], 34);
  EXPECT_EQ(score["tokens"].size(), score["n_tokens"].get<size_t>());
  double nll = 0;
  for (const json& token : score["tokens"]) nll -= token["logprob"].get<double>();
  EXPECT_NEAR(score["nll_nats"].get<double>(), nll, 1e-9);
  EXPECT_NEAR(score["perplexity"].get<double>(), std::exp(nll / score["n_tokens"].get<double>()), 1e-6);
  EXPECT_NEAR(score["bits_per_byte"].get<double>(), nll / std::log(2) / 34, 1e-9);
  for (const char* field : {"context", "stride", "rule", "first_token"})
    EXPECT_TRUE(score["window"].contains(field)) << field;
}

TEST(Cli, InspectAndModelsDescribeTheShippedModel) {
  const json file = RunJson("inspect --json");
  EXPECT_EQ(file["metadata"]["general.architecture"], "llama");
  EXPECT_FALSE(file["tensors"].empty());
  EXPECT_NE(RunCommand("inspect").out.find("general.architecture"), std::string::npos);
  size_t defaults = 0;
  const json models = RunJson("models --json");
  for (const json& model : models["models"]) {
    defaults += size_t{model["default"] == true && model["problem"].is_null()};
  }
  EXPECT_EQ(defaults, 1u);
}

TEST(Cli, PlainTextWhenPiped) {
  const Outcome outcome = RunCommand("next -p 'Once upon a time' --top 5 --top-k 2");
  EXPECT_EQ(outcome.out.find('\x1b'), std::string::npos);
  EXPECT_NE(outcome.out.find("cut by top_k"), std::string::npos);
}

TEST(Cli, VersionAndHelp) {
  EXPECT_EQ(RunCommand("--version").out, "logitpeek " LP_VERSION "\n");
  EXPECT_EQ(RunCommand("--help").status, 0);
  EXPECT_NE(RunCommand("next --help").out.find("--repetition-penalty"), std::string::npos);
}

TEST(Cli, WrongUsageIsTwo) {
  ExpectFailure("", 2, "subcommand");
  ExpectFailure("nxt", 2, "nxt");
  ExpectFailure("next -p x --flag", 2, "--flag");
  ExpectFailure("next", 2, "--prompt");
  ExpectFailure("next -p x --temp warm", 2, "temp");
  ExpectFailure("next -p x --temp=-1", 2, "temperature");
  ExpectFailure("next -p x --temp nan", 2, "temperature");
  ExpectFailure("next -p x --top-p 0", 2, "top-p");
  ExpectFailure("next -p x --top-p 2", 2, "top-p");
  ExpectFailure("next -p x --top-k=-1", 2, "top-k");
  ExpectFailure("next -p x --repeat-penalty 0", 2, "repetition");
  ExpectFailure("next -p x --seed=-5", 2, "seed");
  ExpectFailure("serve --port 70000", 2, "port");
}

TEST(Cli, FailuresAreOneAndOneSentence) {
  const std::string dir = ::testing::TempDir();
  const auto file = [&](const std::string& name, const std::string& bytes) {
    std::ofstream(dir + "/" + name, std::ios::binary) << bytes;
    return dir + "/" + name;
  };
  ExpectFailure("next -p ''", 1, "prompt is empty");
  std::string words;
  for (int i = 0; i < 3000; ++i) words += "word ";
  ExpectFailure("next -p '" + words + "'", 1, "tokens long");
  ExpectFailure("generate -p '" + words + "'", 1, "tokens long");
  ExpectFailure("next -p x -m nowhere.gguf", 1, "no such file");
  ExpectFailure("next -p x -m /tmp", 1, "not a regular file");
  ExpectFailure("next -p x -m " + file("text.gguf", "this is not a model"), 1, "GGUF");
  ExpectFailure("inspect " + file("empty.gguf", ""), 1, "empty.gguf");
  std::ifstream model(LP_SOURCE_DIR "/models/logitpeek-tales-q8_0.gguf", std::ios::binary);
  std::string head(100000, '\0');
  model.read(head.data(), 100000);
  ExpectFailure("next -p x -m " + file("short.gguf", head), 1, "short.gguf");
  ExpectFailure("score /nowhere.txt", 1, "/nowhere.txt");
  ExpectFailure("score " + file("nothing.txt", ""), 1, "empty");
}

}  // namespace
}  // namespace lp
