// Pull against a server of our own that speaks the hub's API: repository listing, files behind a redirect to another
// host, ranges, tokens.
#include "hub/pull.h"

#include <gtest/gtest.h>
#include <httplib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <thread>

#include "hub/http_get.h"
#include "hub/places.h"
#include "hub/sha256.h"

namespace lp {
namespace {
namespace fs = std::filesystem;

std::string Hash(const std::string& data) {
  Sha256 hash;
  hash.Add(data.data(), data.size());
  return hash.Hex();
}

class PullTest : public testing::Test {
 protected:
  void SetUp() override {
    home_ = fs::temp_directory_path() / ("logitpeek-pull-" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(home_);
    for (size_t i = 0; i < 300000; ++i) data_ += static_cast<char>((i * 2654435761u) >> 13);
    hub_.Get("/api/models/owner/repo/revision/main", [this](const httplib::Request& request, httplib::Response& response) {
      authorization_ = request.get_header_value("Authorization");
      nlohmann::json siblings = nlohmann::json::array({{{"rfilename", "README.md"}, {"size", 3}}});
      for (const std::string& name : names_) {
        siblings.push_back({{"rfilename", name}, {"size", data_.size()}, {"lfs", {{"sha256", listed_hash_.empty() ? Hash(data_) : listed_hash_}, {"size", data_.size()}}}});
      }
      response.set_content(nlohmann::json{{"sha", "c0ffee"}, {"siblings", siblings}}.dump(), "application/json");
    });
    hub_.Get("/api/models/owner/secret/revision/main", [](const httplib::Request&, httplib::Response& response) { response.status = 401; });
    hub_.Get(R"(/owner/repo/resolve/c0ffee/(.+))", [this](const httplib::Request& request, httplib::Response& response) {
      asked_file_ = request.matches[1];
      response.set_redirect("http://localhost:" + std::to_string(cdn_port_) + "/blob");
    });
    cdn_.Get("/blob", [this](const httplib::Request& request, httplib::Response& response) {
      cdn_authorization_ = request.get_header_value("Authorization");
      ranges_.push_back(request.get_header_value("Range"));
      const size_t stop_at = break_at_;
      break_at_ = 0;
      if (stop_at > 0) {  // says it is all there and hangs up half way
        response.set_content_provider(data_.size(), "application/octet-stream", [this, stop_at](size_t offset, size_t, httplib::DataSink& sink) {
          if (offset >= stop_at) return false;
          sink.write(data_.data() + offset, std::min<size_t>(4096, stop_at - offset));
          return true;
        });
        return;
      }
      response.set_content(data_, "application/octet-stream");
    });
    hub_port_ = hub_.bind_to_any_port("127.0.0.1");
    cdn_port_ = cdn_.bind_to_any_port("127.0.0.1");
    hub_thread_ = std::thread([this] { hub_.listen_after_bind(); });
    cdn_thread_ = std::thread([this] { cdn_.listen_after_bind(); });
    while (!hub_.is_running() || !cdn_.is_running()) std::this_thread::yield();
  }
  void TearDown() override {
    hub_.stop();
    cdn_.stop();
    hub_thread_.join();
    cdn_thread_.join();
    fs::remove_all(home_);
  }
  Environment Env(std::map<std::string, std::string> more = {}) const {
    more.insert({{"HOME", home_.string()}, {"HF_ENDPOINT", "http://127.0.0.1:" + std::to_string(hub_port_) + "/"}});
    return [more](const std::string& name) {
      const auto at = more.find(name);
      return at == more.end() ? std::string() : at->second;
    };
  }
  Result<Pulled> Get(const std::string& what, const std::map<std::string, std::string>& more = {}, const PullObserver& observer = nullptr) {
    const auto request = ParsePullRequest(what);
    if (!request.ok()) return request.error();
    return Pull(*request, Env(more), observer);
  }
  static std::string Read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  fs::path home_;
  std::string data_, listed_hash_, authorization_, cdn_authorization_, asked_file_;
  std::vector<std::string> names_ = {"model-Q4_K_M.gguf", "model-Q8_0.gguf"}, ranges_;
  size_t break_at_ = 0;
  httplib::Server hub_, cdn_;
  int hub_port_ = 0, cdn_port_ = 0;
  std::thread hub_thread_, cdn_thread_;
};

TEST(Sha256, OfNistExample) {
  EXPECT_EQ(Hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(UrlPath, EscapesAllButSlashes) { EXPECT_EQ(UrlPath("a b/c+\xC3\xA9.gguf"), "a%20b/c%2B%C3%A9.gguf"); }

TEST(ParsePullRequest, Forms) {
  const auto r = ParsePullRequest("owner/repo:Q4_K_M@v2");
  ASSERT_TRUE(r.ok());
  EXPECT_EQ(r->repository, "owner/repo");
  EXPECT_EQ(r->file, "Q4_K_M");
  EXPECT_EQ(r->revision, "v2");
  for (const char* bad : {"", "repo", "a/b/c", "/repo", "owner/", "../..", "a/b:../../x", "a/b@../x", "https://host/a"}) {
    EXPECT_FALSE(ParsePullRequest(bad).ok()) << bad;
  }
}

TEST_F(PullTest, FetchesChecksAndKeepsWhereOthersLook) {
  std::vector<uint64_t> seen;
  const auto pulled = Get("owner/repo:q8_0", {}, [&](const PullProgress& p) {
    seen.push_back(p.bytes_done);
    EXPECT_EQ(p.bytes_total, data_.size());
    return true;
  });
  ASSERT_TRUE(pulled.ok()) << pulled.error().ToString();
  EXPECT_EQ(pulled->file, "model-Q8_0.gguf");
  EXPECT_EQ(asked_file_, "model-Q8_0.gguf");
  EXPECT_FALSE(pulled->was_there);
  EXPECT_EQ(Read(pulled->path), data_);
  EXPECT_TRUE(fs::is_symlink(pulled->path));
  EXPECT_EQ(seen.back(), data_.size());
  const auto found = FindModelFiles(Env());
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].name, "owner/repo:model-Q8_0");
  const auto again = Get("owner/repo:model-Q8_0.gguf");
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->was_there);
  EXPECT_EQ(ranges_.size(), 1u);
}

// Mutation: refuse whatever is asked for -> red.
TEST_F(PullTest, OfflineGivesWhatIsHere) {
  const auto fetched = Get("owner/repo:q8_0");
  hub_.stop();
  const std::map<std::string, std::string> offline = {{"HF_HUB_OFFLINE", "1"}};
  for (const char* what : {"owner/repo", "owner/repo:q8_0", "owner/repo@c0ffee"}) {
    const auto kept = Get(what, offline);
    ASSERT_TRUE(kept.ok()) << kept.error().ToString();
    EXPECT_EQ(kept->path, fetched->path);
    EXPECT_TRUE(kept->was_there);
  }
  EXPECT_NE(Get("owner/repo:Q4_K_M", offline).error().ToString().find("there are model-Q8_0.gguf"), std::string::npos);
  EXPECT_NE(Get("owner/other", offline).error().ToString().find("no file of it is here"), std::string::npos);
}

TEST_F(PullTest, NothingSaidMeansTheUsualQuantisation) {
  const auto pulled = Get("owner/repo");
  ASSERT_TRUE(pulled.ok()) << pulled.error().ToString();
  EXPECT_EQ(pulled->file, "model-Q4_K_M.gguf");
}

// The projector of a model that sees. Mutation: keep it in the list -> red.
TEST_F(PullTest, TheProjectorBesideAModelIsNotTheModel) {
  names_ = {"mmproj-model-Q8_0.gguf", "model-BF16.gguf"};
  EXPECT_EQ(Get("owner/repo")->file, "model-BF16.gguf");
  EXPECT_EQ(Get("owner/repo:model")->file, "model-BF16.gguf");
  EXPECT_EQ(Get("owner/repo:mmproj")->file, "mmproj-model-Q8_0.gguf");
}

TEST_F(PullTest, TokenGoesToTheHubOnly) {
  ASSERT_TRUE(Get("owner/repo", {{"HF_TOKEN", "hf_secret"}}).ok());
  EXPECT_EQ(authorization_, "Bearer hf_secret");
  EXPECT_EQ(cdn_authorization_, "");
}

TEST_F(PullTest, GoesOnWhereItStopped) {
  break_at_ = 100000;
  const auto broken = Get("owner/repo");
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().code, ErrorCode::kIo);
  EXPECT_NE(broken.error().message.find("goes on from there"), std::string::npos) << broken.error().message;
  const auto pulled = Get("owner/repo");
  ASSERT_TRUE(pulled.ok()) << pulled.error().ToString();
  EXPECT_EQ(Read(pulled->path), data_);
  ASSERT_EQ(ranges_.size(), 2u);
  EXPECT_EQ(ranges_[1].substr(0, 6), "bytes=");
}

TEST_F(PullTest, StoppedByTheUserGoesOnLater) {
  EXPECT_EQ(Get("owner/repo", {}, [](const PullProgress&) { return false; }).error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(Get("owner/repo").ok());
}

TEST_F(PullTest, WrongChecksumIsThrownAway) {
  listed_hash_ = std::string(64, '0');
  const auto pulled = Get("owner/repo");
  ASSERT_FALSE(pulled.ok());
  EXPECT_EQ(pulled.error().code, ErrorCode::kCorrupt);
  EXPECT_TRUE(FindModelFiles(Env()).empty());
  listed_hash_.clear();
  EXPECT_TRUE(Get("owner/repo").ok());
}

TEST_F(PullTest, OneClearSentenceEach) {
  const auto message = [&](const std::string& what, const std::map<std::string, std::string>& more = {}) {
    const auto pulled = Get(what, more);
    return pulled.ok() ? std::string("ok") : pulled.error().ToString();
  };
  EXPECT_NE(message("owner/repo:Q2_K").find("there are model-Q4_K_M.gguf, model-Q8_0.gguf"), std::string::npos);
  EXPECT_NE(message("owner/repo:model").find("more than one file matches"), std::string::npos);
  EXPECT_NE(message("owner/nothing").find("no such repository"), std::string::npos);
  EXPECT_NE(message("owner/secret").find("set HF_TOKEN"), std::string::npos);
  EXPECT_NE(message("owner/secret", {{"HF_TOKEN", "x"}}).find("accept the model's terms"), std::string::npos);
  EXPECT_NE(message("owner/repo", {{"HF_HUB_OFFLINE", "1"}}).find("HF_HUB_OFFLINE"), std::string::npos);
  EXPECT_NE(message("owner/repo", {{"HF_ENDPOINT", "http://127.0.0.1:1"}}).find("no way to it"), std::string::npos);
  EXPECT_NE(message("owner/repo", {{"HF_ENDPOINT", "ftp://x"}}).find("no http or https address"), std::string::npos);
  names_.clear();
  EXPECT_NE(message("owner/repo").find("holds no GGUF file"), std::string::npos);
}

TEST_F(PullTest, NamesThatLeaveTheFolderAreNotTaken) {
  names_ = {"../../evil.gguf", "/etc/evil.gguf"};
  const auto pulled = Get("owner/repo");
  ASSERT_FALSE(pulled.ok());
  EXPECT_NE(pulled.error().message.find("holds no GGUF file"), std::string::npos);
}

}  // namespace
}  // namespace lp
