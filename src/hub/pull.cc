#include "hub/pull.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/str_cat.h"
#include "hub/http_get.h"
#include "hub/places.h"
#include "hub/sha256.h"

namespace lp {
namespace fs = std::filesystem;
namespace {

struct RepoFile {
  std::string name;
  uint64_t size = 0;
  std::string sha256;  // empty: a small file outside large-file storage
};

struct Repo {
  std::string commit;
  std::vector<RepoFile> gguf;
};

bool SafeName(const std::string& name) {
  if (name.empty() || name.front() == '/' || name.find('\\') != std::string::npos) return false;
  const fs::path path(name);
  return std::none_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".." || part == "."; });
}

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string ReadText(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string Token(const Environment& env) {
  if (const std::string token = env("HF_TOKEN"); !token.empty()) return token;
  const std::string home = env("HF_HOME").empty() ? env("HOME") + "/.cache/huggingface" : env("HF_HOME");
  std::string token = ReadText(fs::path(home) / "token");
  std::erase_if(token, [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; });
  return token;
}

Error Refused(int status, const std::string& repository, bool with_token) {
  if (status == 401 || status == 403) {
    return {ErrorCode::kNotFound,
            with_token ? "the hub does not give this token access: accept the model's terms on its page, or check HF_TOKEN"
                       : "the hub asks who you are, or there is no such repository: check the name, or set HF_TOKEN",
            repository};
  }
  if (status == 404) return {ErrorCode::kNotFound, "the hub has no such repository, revision or file", repository};
  if (status == 429) return {ErrorCode::kIo, "the hub says there were too many requests: wait a little", repository};
  return {ErrorCode::kIo, StrCat("the hub answered with status ", status), repository};
}

Result<Repo> ReadRepo(const std::string& endpoint, const PullRequest& request, const std::string& token) {
  std::string body;
  HttpGet get{.url = StrCat(endpoint, "/api/models/", UrlPath(request.repository), "/revision/", UrlPath(request.revision), "?blobs=true"),
              .bearer_token = token};
  get.on_data = [&](const char* data, size_t size) {
    body.append(data, size);
    return body.size() < (64u << 20);
  };
  LP_ASSIGN_OR_RETURN(const HttpHead head, Fetch(get));
  if (head.status != 200) return Refused(head.status, request.repository, !token.empty());
  const auto json = nlohmann::json::parse(body, nullptr, false);
  const Error strange{ErrorCode::kCorrupt, "the answer is not what the hub's API gives: is HF_ENDPOINT right?", endpoint};
  if (!json.is_object() || !json.contains("sha") || !json["sha"].is_string()) return strange;
  Repo repo{.commit = json["sha"]};
  if (!SafeName(repo.commit)) return strange;
  for (const auto& entry : json.value("siblings", nlohmann::json::array())) {
    if (!entry.is_object() || !entry.contains("rfilename") || !entry["rfilename"].is_string()) continue;
    RepoFile file{.name = entry["rfilename"]};
    if (!Lower(file.name).ends_with(".gguf") || !SafeName(file.name)) continue;
    if (entry.contains("size") && entry["size"].is_number_unsigned()) file.size = entry["size"];
    if (entry.contains("lfs") && entry["lfs"].is_object()) {
      const auto& lfs = entry["lfs"];
      for (const char* key : {"sha256", "oid"}) {
        if (lfs.contains(key) && lfs[key].is_string()) file.sha256 = lfs[key];
      }
      if (lfs.contains("size") && lfs["size"].is_number_unsigned()) file.size = lfs["size"];
    }
    if (file.sha256.size() != 64 || file.sha256.find_first_not_of("0123456789abcdef") != std::string::npos) file.sha256.clear();
    repo.gguf.push_back(std::move(file));
  }
  return repo;
}

std::string Names(const std::vector<RepoFile>& files) {
  std::string names;
  for (const RepoFile& file : files) names += (names.empty() ? "" : ", ") + file.name;
  return names;
}

// The part of a model that sees pictures; never what is meant where it is not named.
bool IsProjector(const RepoFile& file) { return Lower(fs::path(file.name).filename().string()).starts_with("mmproj"); }

// An exact name, else what contains the words. Nothing said: the only file, else Q4_K_M as llama.cpp takes it, else Q8_0.
Result<RepoFile> Choose(Repo repo, const PullRequest& request) {
  const std::string wanted = Lower(request.file);
  if (wanted.find("mmproj") == std::string::npos) std::erase_if(repo.gguf, IsProjector);
  if (repo.gguf.empty())
    return Error{ErrorCode::kNotFound, "this repository holds no GGUF file", request.repository};
  std::vector<RepoFile> matching;
  for (const RepoFile& file : repo.gguf) {
    const std::string name = Lower(file.name);
    if (name == wanted || name == wanted + ".gguf") return file;
    if (!wanted.empty() && name.find(wanted) != std::string::npos) matching.push_back(file);
  }
  if (matching.size() == 1 || (wanted.empty() && repo.gguf.size() == 1)) return wanted.empty() ? repo.gguf[0] : matching[0];
  if (wanted.empty()) {
    for (const char* usual : {"q4_k_m", "q8_0"}) {
      for (const RepoFile& file : repo.gguf) {
        if (Lower(file.name).find(usual) != std::string::npos) return file;
      }
    }
  }
  const std::string what = matching.empty() ? StrCat("no file matches \"", request.file, "\"; there are ", Names(repo.gguf))
                                            : StrCat("more than one file matches \"", request.file, "\": ", Names(matching));
  return Error{ErrorCode::kNotFound, what, request.repository};
}

// What an earlier pull, ours or another program's, has left of a repository: without the hub, this is all there is.
Repo KeptRepo(const fs::path& root, const std::string& revision) {
  std::string commit = ReadText(root / "refs" / revision);
  std::erase_if(commit, [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; });
  Repo repo{.commit = SafeName(commit) ? commit : revision, .gguf = {}};
  const fs::path snapshot = root / "snapshots" / repo.commit;
  std::error_code error, ignored;
  for (fs::recursive_directory_iterator it(snapshot, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().lexically_relative(snapshot).string();
    if (it->is_regular_file(ignored) && Lower(name).ends_with(".gguf")) repo.gguf.push_back({.name = name, .size = 0, .sha256 = {}});
  }
  std::sort(repo.gguf.begin(), repo.gguf.end(), [](const RepoFile& a, const RepoFile& b) { return a.name < b.name; });
  return repo;
}

// Hashes what is there of a file; empty digest when it cannot be read.
uint64_t Rehash(const fs::path& path, Sha256& hash) {
  std::ifstream in(path, std::ios::binary);
  std::vector<char> buffer(1 << 20);
  uint64_t size = 0;
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    hash.Add(buffer.data(), static_cast<size_t>(in.gcount()));
    size += static_cast<uint64_t>(in.gcount());
  }
  return size;
}

// Brings `file` to `blob`, through blob.incomplete, which a later try goes on with.
Status Download(const std::string& url, const std::string& token, const std::string& repository, const RepoFile& file,
                const fs::path& blob, const PullObserver& observer) {
  const fs::path part = blob.string() + ".incomplete";
  auto hash = std::make_unique<Sha256>();
  PullProgress progress{.file = file.name, .bytes_total = file.size};
  progress.bytes_done = progress.bytes_resumed = Rehash(part, *hash);
  if (file.size > 0 && progress.bytes_done > file.size) {  // of another file, or damaged: begin again
    fs::remove(part);
    hash = std::make_unique<Sha256>();
    progress.bytes_done = progress.bytes_resumed = 0;
  }
  if (file.size == 0 || progress.bytes_done < file.size) {
    std::ofstream out(part, std::ios::binary | std::ios::app);
    int status = 0;
    bool disk_full = false;
    auto told = std::chrono::steady_clock::now() - std::chrono::seconds(1);
    HttpGet get{.url = url, .bearer_token = token, .from = progress.bytes_done};
    get.on_head = [&](const HttpHead& head) {
      status = head.status;
      if (status == 200 && progress.bytes_done > 0) {  // the server does not resume: take it from the start
        out.close();
        out.open(part, std::ios::binary | std::ios::trunc);
        hash = std::make_unique<Sha256>();
        progress.bytes_done = progress.bytes_resumed = 0;
      }
      if (progress.bytes_total == 0) progress.bytes_total = progress.bytes_done + head.content_length;
      return status == 200 || status == 206;
    };
    get.on_data = [&](const char* data, size_t size) {
      out.write(data, static_cast<std::streamsize>(size));
      if (!out) {
        disk_full = true;
        return false;
      }
      hash->Add(data, size);
      progress.bytes_done += size;
      const auto now = std::chrono::steady_clock::now();
      if (!observer || now - told < std::chrono::milliseconds(200)) return true;
      told = now;
      return observer(progress);
    };
    const auto head = Fetch(get);
    out.close();
    if (disk_full) return Error{ErrorCode::kIo, "the file could not be written: is the disk full?", part.string()};
    if (!head.ok() && head.error().code == ErrorCode::kIo && progress.bytes_done > 0) {
      return Error{ErrorCode::kIo,
                   StrCat(head.error().message, "; ", progress.bytes_done, " bytes are kept, and the same command goes on from there"),
                   head.error().where};
    }
    if (!head.ok()) return head.error();
    if (status != 200 && status != 206) return Refused(status, StrCat(repository, "/", file.name), !token.empty());
  }
  if (observer) observer(progress);
  if (file.size > 0 && progress.bytes_done != file.size) {
    return Error{ErrorCode::kIo,
                 StrCat("the download ended after ", progress.bytes_done, " of ", file.size, " bytes; the same command goes on from there"), file.name};
  }
  if (!file.sha256.empty() && hash->Hex() != file.sha256) {
    fs::remove(part);
    return Error{ErrorCode::kCorrupt, "what was downloaded does not have the hub's SHA-256 and was thrown away; try again", file.name};
  }
  std::error_code error;
  fs::rename(part, blob, error);
  if (error) return Error{ErrorCode::kIo, error.message(), blob.string()};
  return Ok();
}

}  // namespace

Result<PullRequest> ParsePullRequest(const std::string& text) {
  PullRequest request;
  std::string rest = text;
  if (const size_t at = rest.rfind('@'); at != std::string::npos) {
    request.revision = rest.substr(at + 1);
    rest.resize(at);
  }
  if (const size_t at = rest.find(':'); at != std::string::npos) {
    request.file = rest.substr(at + 1);
    rest.resize(at);
  }
  request.repository = rest;
  const size_t slash = rest.find('/');
  const bool ok = slash != std::string::npos && slash > 0 && slash + 1 < rest.size() && rest.find('/', slash + 1) == std::string::npos &&
                  SafeName(rest) && SafeName(request.revision) && (request.file.empty() || SafeName(request.file));
  if (!ok) return Error{ErrorCode::kInvalidArgument, "a model on the hub is written OWNER/REPO or OWNER/REPO:FILE", text};
  return request;
}

Result<Pulled> Pull(const PullRequest& request, const Environment& env, const PullObserver& observer) {
  const std::string cache = HuggingFaceCache(env);
  if (cache.empty()) return Error{ErrorCode::kIo, "there is no folder to keep it in: set HOME or HF_HOME", request.repository};
  std::string folder = "models--" + request.repository;
  folder.replace(folder.find('/'), 1, "--");
  const fs::path root = fs::path(cache) / folder;

  if (const std::string offline = env("HF_HUB_OFFLINE"); !offline.empty() && offline != "0") {
    const Repo kept = KeptRepo(root, request.revision);
    if (kept.gguf.empty()) {
      return Error{ErrorCode::kIo, "HF_HUB_OFFLINE is set, so nothing is fetched, and no file of it is here; `logitpeek models` lists what is", request.repository};
    }
    LP_ASSIGN_OR_RETURN(const RepoFile file, Choose(kept, request));
    return Pulled{(root / "snapshots" / kept.commit / file.name).string(), file.name, true};
  }
  std::string endpoint = env("HF_ENDPOINT").empty() ? "https://huggingface.co" : env("HF_ENDPOINT");
  while (endpoint.ends_with('/')) endpoint.pop_back();
  const std::string token = Token(env);
  LP_ASSIGN_OR_RETURN(const Repo repo, ReadRepo(endpoint, request, token));
  LP_ASSIGN_OR_RETURN(const RepoFile file, Choose(repo, request));
  const fs::path link = root / "snapshots" / repo.commit / file.name;
  std::error_code error;
  if (fs::is_regular_file(link, error) && (file.size == 0 || fs::file_size(link, error) == file.size)) {
    return Pulled{link.string(), file.name, true};
  }
  const fs::path blob = root / "blobs" / (file.sha256.empty() ? repo.commit + "-" + fs::path(file.name).filename().string() : file.sha256);
  fs::create_directories(blob.parent_path(), error);
  if (!error) fs::create_directories(link.parent_path(), error);
  if (error) return Error{ErrorCode::kIo, error.message(), root.string()};
  const bool whole = fs::is_regular_file(blob, error) && fs::file_size(blob, error) == file.size;
  if (!whole) {
    const std::string url = StrCat(endpoint, "/", UrlPath(request.repository), "/resolve/", repo.commit, "/", UrlPath(file.name));
    LP_RETURN_IF_ERROR(Download(url, token, request.repository, file, blob, observer));
  }
  fs::remove(link, error);
  fs::create_symlink(fs::relative(blob, link.parent_path()), link, error);
  if (error) return Error{ErrorCode::kIo, error.message(), link.string()};
  const fs::path ref = root / "refs" / request.revision;
  fs::create_directories(ref.parent_path(), error);
  std::ofstream(ref, std::ios::binary) << repo.commit;
  return Pulled{link.string(), file.name, false};
}

}  // namespace lp
