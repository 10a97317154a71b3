// The command line as a person or a script meets it: the real program in a process of its own, on the shipped model.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "support/small_vocabularies.h"

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
            R"({"dialect":"logitpeek","min_p":0.0,"repeat_last_n":8,"repetition_penalty":1.1,"seed":3,"temperature":0.7,)"
            R"("top_k":30,"top_p":0.9})");
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

TEST(Cli, VerboseTellsTheHashOfTheLogits) {
  const std::string hash = RunJson("next -p 'The king' --json")["logits_hash"];
  for (const char* how : {"-t 1", "-t 3 --cache-mib 0", "-t 2 -c 3", "--weights copied", "--weights mapped"}) {
    const Outcome told = RunCommand(std::string("next -p 'The king' --top 1 --verbose ") + how);
    EXPECT_EQ(told.err, "logits " + hash + "\n") << how;
  }
  const Outcome one = RunCommand("generate -p 'The king' -n 30 --seed 3 --verbose -t 1");
  const Outcome three = RunCommand("generate -p 'The king' -n 30 --seed 3 --verbose -t 3 -c 40 --cache-mib 0");
  EXPECT_EQ(one.out, three.out);
  EXPECT_EQ(one.err.substr(0, 23), three.err.substr(0, 23));  // "logits " and 16 digits
  EXPECT_NE(three.err.find("of 40 tokens"), std::string::npos) << three.err;
  const Outcome copied = RunCommand("generate -p 'The king' -n 30 --seed 3 --verbose --no-mmap");
  EXPECT_EQ(one.out, copied.out);
  EXPECT_NE(copied.err.find("weights copied"), std::string::npos) << copied.err;
}

// SIGINT ends a command where it is, by the signal itself: nothing here catches it, so no loop has to look. Mutation: ignore the
// signal in RunCli -> red (each would run for seconds).
TEST(Cli, CtrlCStopsAtOnce) {
  const std::string text = ::testing::TempDir() + "/logitpeek_long_" + std::to_string(::getpid()) + ".txt";
  {
    std::ofstream file(text);
    for (int i = 0; i < 60000; ++i) file << "There was once a king who had " << i << " horses. ";
  }
  // Long prompts and single tokens both; the other commands evaluate in the same way.
  for (const std::string& args : {"score -t 1 " + text, std::string("bench -t 1 -r 1000"), std::string("bench -t 1 -r 1000 -p 500 -n 0")}) {
    const auto start = std::chrono::steady_clock::now();
    const Outcome stopped = RunCommand(args + " >/dev/null", "timeout --preserve-status -k 20 -s INT 0.4 ");
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(stopped.status, 130) << args << "\n" << stopped.err;
    EXPECT_LT(spent.count(), 2) << args;
  }
  std::remove(text.c_str());
}

TEST(Cli, TokenizeRoundTrips) {
  const json tokens = RunJson("tokenize 'na\xC3\xAFve caf\xC3\xA9 \xF0\x9F\x98\x80' --json");
  std::string hex;
  for (const json& token : tokens["tokens"]) hex += token["bytes_hex"].get<std::string>();
  EXPECT_EQ(hex, "6e61c3af766520636166c3a920f09f9880");
  EXPECT_EQ(tokens["ids"].size(), tokens["pieces"].size());
}

// Neither needs a model, and both must work where there is none to run. Control tokens are text unless asked for.
TEST(Cli, AVocabularyIsEnoughToTokenize) {
  const std::string path = ::testing::TempDir() + "/vocabulary.gguf";
  const testing::Bytes bytes = testing::BpeFile({"h i"}).Set("general.architecture", "falcon").Build();
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  EXPECT_EQ(RunCommand("tokenize hi -m " + path).out, "     256  \"hi\"\n");
  EXPECT_EQ(RunJson("tokenize '<|endoftext|>hi' --json --special -m " + path)["ids"].dump(), "[257,256]");
  EXPECT_EQ(RunJson("tokenize '<|endoftext|>hi' --json -m " + path)["ids"].size(), 14u);
  EXPECT_EQ(RunCommand("detokenize 256,33 -m " + path).out, "hi!");
  ExpectFailure("detokenize 258 -m " + path, 1, "outside the vocabulary of 258 tokens");
  const std::string told = RunCommand("inspect " + path).out;
  for (const char* part : {"logitpeek cannot run it", "\"falcon\"", "llama, qwen2"}) EXPECT_NE(told.find(part), std::string::npos) << told;
  ExpectFailure("next -p hi -m " + path, 1, "\"falcon\"");
}

TEST(Cli, SpecialReadsControlTokensOfAPrompt) {
  const json text = RunJson("next -p '<|endoftext|>Once' --json"), control = RunJson("next -p '<|endoftext|>Once' --special --json");
  EXPECT_EQ(control["prompt_tokens"].dump(), RunJson("next -p Once --json")["prompt_tokens"].dump());  // one BOS
  EXPECT_GT(text["prompt_tokens"].size(), control["prompt_tokens"].size());
  ExpectFailure("next -p x --special --chat", 2, "--chat");
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
  const std::string plain = RunCommand("inspect").out, listed = RunCommand("inspect --tensors").out;
  for (const std::string& text : {plain, listed}) {
    EXPECT_NE(text.find("general.architecture"), std::string::npos);
    EXPECT_NE(text.find("logitpeek runs it"), std::string::npos);
  }
  EXPECT_NE(plain.find("Q8_0       43 tensors"), std::string::npos) << plain;
  EXPECT_EQ(plain.find("blk.0.attn_q.weight"), std::string::npos);
  EXPECT_NE(listed.find("blk.0.attn_q.weight"), std::string::npos);
  size_t defaults = 0;
  const json models = RunJson("models --json");
  for (const json& model : models["models"]) {
    defaults += size_t{model["default"] == true && model["problem"].is_null()};
  }
  EXPECT_EQ(defaults, 1u);
}

// The shipped model, laid where other programs keep theirs.
class Places : public ::testing::Test {
 protected:
  void SetUp() override {
    home_ = std::filesystem::path(::testing::TempDir()) / ("logitpeek_home_" + std::to_string(::getpid()));
    Lay(".cache/huggingface/hub/models--owner--repo/snapshots/c0ffee/model-Q8_0.gguf");
    Lay(".cache/llama.cpp/owner_repo_model-Q8_0.gguf");
    Lay(".lmstudio/models/maker/tales-GGUF/tales-Q8_0.gguf");
    Lay(".ollama/models/blobs/sha256-1234");
    for (const char* tag : {"latest", "1b"}) {
      const auto manifest = home_ / ".ollama/models/manifests/registry.ollama.ai/library/tales" / tag;
      std::filesystem::create_directories(manifest.parent_path());
      std::ofstream(manifest) << R"({"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:1234"}]})";
    }
    env_ = "env -u HF_HOME -u HF_HUB_CACHE -u XDG_CACHE_HOME -u LLAMA_CACHE -u OLLAMA_MODELS HOME=" + home_.string() + " ";
  }
  void TearDown() override { std::filesystem::remove_all(home_); }
  void Lay(const std::string& path) {
    std::filesystem::create_directories((home_ / path).parent_path());
    std::filesystem::create_symlink(LP_SOURCE_DIR "/models/logitpeek-tales-q8_0.gguf", home_ / path);
  }
  std::filesystem::path home_;
  std::string env_;
};

TEST_F(Places, EachIsListedAndRunsByItsName) {
  const std::string own = RunCommand("next -p Once --json").out;
  const json models = json::parse(RunCommand("models --json", env_).out)["models"];
  std::map<std::string, std::string> place;
  for (const json& model : models) {
    EXPECT_TRUE(model["problem"].is_null()) << model;
    place[model["name"]] = model["place"];
  }
  const std::map<std::string, std::string> expected = {{"logitpeek-tales-q8_0", "logitpeek"},
                                                       {"owner/repo:model-Q8_0", "Hugging Face cache"},
                                                       {"owner_repo_model-Q8_0", "llama.cpp cache"},
                                                       {"tales:latest", "Ollama"},
                                                       {"tales:1b", "Ollama"},
                                                       {"maker/tales-GGUF:tales-Q8_0", "LM Studio"}};
  EXPECT_EQ(place, expected);
  for (const auto& [name, where] : expected) EXPECT_EQ(RunCommand("next -p Once --json -m " + name, env_).out, own) << name;
  // What may be left out of a name.
  for (const char* name : {"tales", "owner/repo", "logitpeek-tales-q8_0.gguf"}) EXPECT_EQ(RunCommand(std::string("next -p Once --json -m ") + name, env_).out, own) << name;
  const Outcome unknown = RunCommand("next -p Once -m tale", env_);
  EXPECT_EQ(unknown.status, 1);
  EXPECT_NE(unknown.err.find("tales:latest"), std::string::npos) << unknown.err;
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

// logits -> file -> shape is the same distribution as next, whatever the file's kind.
TEST(Cli, ShapeReadsLogitsFromFiles) {
  const std::string dir = ::testing::TempDir(), npy = dir + "/cli_logits.npy";
  const json live = RunJson("next -p 'Once upon a time' --top-k 5 --temp 0.7 --json --top 5");
  EXPECT_EQ(RunJson("logits -p 'Once upon a time' -o " + npy + " --json")["shape"].dump(), "[4096]");
  const json shaped = RunJson("shape --logits " + npy + " --top-k 5 --temp 0.7 --json --top 5 --trace");
  EXPECT_TRUE(shaped["model"].is_null());
  EXPECT_EQ(shaped["metrics"], live["metrics"]);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(shaped["tokens"][i]["id"], live["tokens"][i]["id"]);
    EXPECT_EQ(shaped["tokens"][i]["prob"], live["tokens"][i]["prob"]);
    EXPECT_EQ(shaped["tokens"][i]["text"], "#" + std::to_string(shaped["tokens"][i]["id"].get<int>()));
  }
  const std::string names = RunCommand("shape --logits " + npy + " -m logitpeek-tales-q8_0 --top 1").out;
  EXPECT_NE(names.find(live["tokens"][0]["text"].get<std::string>()), std::string::npos);

  const std::string array = dir + "/cli_logits.json";
  std::ofstream(array) << "[1.5, -Infinity,\n 0, 1e0]";
  const json small = RunJson("shape --logits " + array + " --json --chain 'top_k=2;temperature=0.5'");
  EXPECT_EQ(small["vocab_size"], 4);
  EXPECT_NEAR(small["tokens"][0]["prob"].get<double>(), 1 / (1 + std::exp(-1.0)), 1e-7);
  EXPECT_EQ(small["tokens"][2]["cut_by"], "top_k");
  EXPECT_EQ(small["tokens"][3]["cut_by"], "mask");
  const json penalised = RunJson("shape --logits " + array + " --json --history 0,3 --prompt-length 1 --dialect vllm --presence-penalty 2");
  EXPECT_EQ(penalised["prompt_tokens"].size(), 2u);
  EXPECT_EQ(penalised["tokens"][0]["id"], 0);  // prompt: untouched
  EXPECT_EQ(penalised["tokens"][2]["id"], 3);  // output: 1 - 2
}

TEST(Cli, CompareAndTranslate) {
  const json same = RunJson("compare -p Once --a 'dialect=vllm,temperature=0.5' --b 'temp=0.5' --json");
  EXPECT_EQ(same["total_variation"], 0);
  EXPECT_EQ(same["kl_a_b_bits"], 0);
  const json other = RunJson("compare -p 'The king was' --a 'dialect=llama.cpp,top_p=0.8,temp=0.5' --b 'dialect=transformers,top_p=0.8,temperature=0.5' --json");
  EXPECT_GT(other["n_kept_a"], other["n_kept_b"]);  // llama.cpp cuts before the temperature sharpens
  EXPECT_NE(RunCommand("compare -p 'The king was' --a top_k=3 --b top_k=4").out.find("only B keeps 1 tokens"), std::string::npos);
  const json said = RunJson("translate -p Once --from 'dialect=llama.cpp,temperature=0.5,min_p=0.1,top_k=0,top_p=1' --to vllm --json");
  EXPECT_EQ(said["exact"], true);
  EXPECT_NEAR(said["settings"]["min_p"].get<double>(), 0.01, 1e-12);  // p^(1/T): vLLM tests it after the temperature
  EXPECT_NE(RunCommand("dialects").out.find("llama.cpp"), std::string::npos);
}

// The last layer's lens is the model itself.
TEST(Cli, LensEndsInTheModel) {
  const json lens = RunJson("lens -p 'Once upon a time' --json"), own = RunJson("next -p 'Once upon a time' --top 5 --json");
  ASSERT_EQ(lens["layers"].size(), 6u);
  const json& last = lens["layers"].back();
  EXPECT_EQ(last["final_token_rank"], 1);
  EXPECT_EQ(lens["final_token"]["id"], own["tokens"][0]["id"]);
  EXPECT_EQ(last["entropy_bits"], own["metrics"]["raw_entropy_bits"]);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(last["top"][i]["id"], own["tokens"][i]["id"]);
    EXPECT_EQ(last["top"][i]["prob"], own["tokens"][i]["prob_raw"]);
  }
  EXPECT_NE(lens["layers"][0]["top"][0]["prob"], last["top"][0]["prob"]);
}

TEST(Cli, TokensThereAndBack) {
  const json tokens = RunJson("tokenize 'na\xC3\xAFve' --json");
  std::string ids;
  for (const json& id : tokens["ids"]) ids += (ids.empty() ? "" : ",") + id.dump();
  EXPECT_EQ(RunCommand("detokenize " + ids).out, "na\xC3\xAFve");
  const json speed = RunJson("bench -p 8 -n 2 -r 1 --json");
  EXPECT_GT(speed["decode_tokens_per_s"], 0);
  EXPECT_EQ(speed["layer_ms"].size(), RunJson("lens -p Once --json")["layers"].size());
  EXPECT_EQ(speed["logits_hash"], RunJson("bench -p 8 -n 2 -r 1 --json -t 2")["logits_hash"]);
}

TEST(Cli, SettingsAsCode) {
  const std::string flags = RunCommand("code -p Once --temp 0.7 --top-k 40 --to llama.cpp").out;
  for (const char* part : {"# llama.cpp: exact\n", "llama-cli", "--temp 0.7", "--top-k 40"}) EXPECT_NE(flags.find(part), std::string::npos) << flags;
  const json all = RunJson("code -p Once --temp 0.7 --json");
  EXPECT_EQ(all["targets"].size(), 5u);
  ExpectFailure("code -p Once --to klingon", 1, "llama.cpp, transformers");
}

TEST(Cli, ChatNeedsAModelThatChats) {
  ExpectFailure("next -p hello --chat", 1, "chat template");
  ExpectFailure("generate -p hello --chat --system 'Be brief.'", 1, "chat template");
  ExpectFailure("next -p hello --system 'Be brief.'", 2, "--chat");
}

TEST(Cli, WrongUsageIsTwo) {
  ExpectFailure("next -p x --dialect klingon", 2, "klingon");
  ExpectFailure("next -p x --dialect vllm --top-p 0", 2, "top_p");
  ExpectFailure("next -p x --dialect transformers --temp 0", 2, "temperature");
  ExpectFailure("next -p x --chain 'top_q=3'", 2, "top_q");
  ExpectFailure("next -p x --chain 'top_k=3' --temp 2", 2, "chain");
  ExpectFailure("shape", 2, "--logits");
  ExpectFailure("compare --a top_k=1 --b top_k=2", 2, "--logits");

  ExpectFailure("", 2, "subcommand");
  ExpectFailure("nxt", 2, "nxt");
  ExpectFailure("next -p x --flag", 2, "--flag");
  ExpectFailure("next -p x --weights disk", 2, "give auto, mapped or copied");
  ExpectFailure("next", 2, "--prompt");
  ExpectFailure("next -p x --temp warm", 2, "temp");
  ExpectFailure("next -p x --temp=-1", 2, "temperature");
  ExpectFailure("next -p x --temp nan", 2, "temperature");
  ExpectFailure("next -p x --top-p 0", 2, "top_p");
  ExpectFailure("next -p x --top-p 2", 2, "top_p");
  ExpectFailure("next -p x --top-k=-1", 2, "top_k");
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
  ExpectFailure("shape --logits /nowhere.npy", 1, "/nowhere.npy");
  ExpectFailure("shape --logits " + file("l.txt", "1 2"), 1, ".npy, .f32 or .json");
  ExpectFailure("shape --logits " + file("l.f32", "12345"), 1, "float32");
  ExpectFailure("shape --logits " + file("l0.f32", ""), 1, "no logits");
  ExpectFailure("shape --logits " + file("l.npy", "12345"), 1, "NUMPY");
  ExpectFailure("shape --logits " + file("l1.json", "[1, x]"), 1, "number");
  ExpectFailure("shape --logits " + file("l2.json", "[1, NaN, 2]"), 1, "1");
  ExpectFailure("shape --logits " + file("l3.json", "[1, 2]") + " --history 2", 1, "outside the vocabulary");
  ExpectFailure("shape --logits " + file("l3.json", "[1, 2]") + " --history 1 --prompt-length 2", 1, "--prompt-length");
  ExpectFailure("shape --logits " + file("l3.json", "[1, 2]") + " -m logitpeek-tales-q8_0", 1, "2 logits");
  ExpectFailure("detokenize 99999", 1, "outside the vocabulary");
  ExpectFailure("score /nowhere.txt", 1, "/nowhere.txt");
  ExpectFailure("score " + file("nothing.txt", ""), 1, "empty");
}

}  // namespace
}  // namespace lp
