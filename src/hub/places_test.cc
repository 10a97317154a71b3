#include "hub/places.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace lp {
namespace {
namespace fs = std::filesystem;

class PlacesTest : public testing::Test {
 protected:
  void SetUp() override {
    home_ = fs::temp_directory_path() / ("logitpeek-places-" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(home_);
    fs::create_directories(home_);
  }
  void TearDown() override { fs::remove_all(home_); }
  void Write(const std::string& path, const std::string& text = "GGUF") {
    fs::create_directories((home_ / path).parent_path());
    std::ofstream(home_ / path) << text;
  }
  std::vector<ModelFile> Find(std::map<std::string, std::string> more = {}) {
    return FindModelFiles([&, more](const std::string& name) -> std::string {
      if (name == "OLLAMA_MODELS" && !more.contains(name)) return (home_ / ".ollama/models").string();
      if (name == "HOME") return home_.string();
      const auto at = more.find(name);
      return at == more.end() ? "" : at->second;
    });
  }
  fs::path home_;
};

TEST_F(PlacesTest, NothingAnywhereIsNoError) { EXPECT_TRUE(Find().empty()); }

TEST_F(PlacesTest, HuggingFaceSnapshotThatMainNames) {
  Write(".cache/huggingface/hub/models--bartowski--Some-Model-GGUF/snapshots/aaa/Some-Model-Q8_0.gguf");
  Write(".cache/huggingface/hub/models--bartowski--Some-Model-GGUF/snapshots/bbb/sub/Some-Model-Q4_K_M.gguf");
  Write(".cache/huggingface/hub/models--bartowski--Some-Model-GGUF/snapshots/bbb/config.json", "{}");
  Write(".cache/huggingface/hub/models--bartowski--Some-Model-GGUF/refs/main", "bbb\n");
  const auto found = Find();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].name, "bartowski/Some-Model-GGUF:sub/Some-Model-Q4_K_M");
  EXPECT_EQ(found[0].place, "Hugging Face cache");
  EXPECT_TRUE(fs::exists(found[0].path));
}

TEST_F(PlacesTest, HuggingFaceWithoutRefsTakesTheLastSnapshot) {
  Write("hub/models--a--b/snapshots/1/x.gguf");
  Write("hub/models--a--b/snapshots/2/y.gguf");
  const auto found = Find({{"HF_HOME", home_.string()}});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].name, "a/b:y");
}

TEST_F(PlacesTest, VariablesComeBeforeHome) {
  Write("elsewhere/models--a--b/snapshots/1/x.gguf");
  Write(".cache/huggingface/hub/models--c--d/snapshots/1/x.gguf");
  const auto found = Find({{"HF_HUB_CACHE", (home_ / "elsewhere").string()}});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].name, "a/b:x");
}

TEST_F(PlacesTest, LlamaCppCache) {
  Write(".cache/llama.cpp/ggml-org_tiny_tiny.Q8_0.gguf");
  Write(".cache/llama.cpp/ggml-org_tiny_tiny.Q8_0.gguf.json", "{}");
  const auto found = Find();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].name, "ggml-org_tiny_tiny.Q8_0");
  EXPECT_EQ(found[0].place, "llama.cpp cache");
}

TEST_F(PlacesTest, OllamaByManifestName) {
  const auto manifest = [](const std::string& digest) {
    return R"({"layers": [{"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:ff"},
                          {"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:)" + digest + R"("}]})";
  };
  Write(".ollama/models/blobs/sha256-aa");
  Write(".ollama/models/blobs/sha256-bb");
  Write(".ollama/models/manifests/registry.ollama.ai/library/llama3.2/1b", manifest("aa"));
  Write(".ollama/models/manifests/registry.ollama.ai/someone/tuned/latest", manifest("bb"));
  Write(".ollama/models/manifests/hf.co/owner/repo/Q4_K_M", manifest("bb"));
  Write(".ollama/models/manifests/registry.ollama.ai/library/gone/latest", manifest("cc"));
  Write(".ollama/models/manifests/registry.ollama.ai/library/evil/latest", manifest("../../../etc/passwd"));
  Write(".ollama/models/manifests/registry.ollama.ai/library/broken/latest", "{\"layers\": 3");
  std::vector<std::string> names;
  for (const ModelFile& file : Find()) names.push_back(file.name);
  EXPECT_EQ(names, (std::vector<std::string>{"hf.co/owner/repo:Q4_K_M", "llama3.2:1b", "someone/tuned:latest"}));
}

TEST_F(PlacesTest, LmStudio) {
  Write(".lmstudio/models/owner/repo/file-Q6_K.gguf");
  const auto found = Find();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].name, "owner/repo:file-Q6_K");
}

}  // namespace
}  // namespace lp
