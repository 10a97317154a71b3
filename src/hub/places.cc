#include "hub/places.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace lp {
namespace fs = std::filesystem;
namespace {

// The first of some variables that is set, with what follows it in the path.
std::string FirstOf(const Environment& env, std::initializer_list<std::pair<const char*, const char*>> places) {
  for (const auto& [variable, rest] : places) {
    if (const std::string value = env(variable); !value.empty()) return (fs::path(value) / rest).lexically_normal().string();
  }
  return "";
}

// Files below a folder, by path; links are followed to files but not into folders, so that a loop cannot catch us.
std::vector<fs::path> FilesBelow(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied, error), end;
       !error && it != end; it.increment(error)) {
    if (it.depth() > 8) it.disable_recursion_pending();
    std::error_code ignored;
    if (it->is_regular_file(ignored)) files.push_back(it->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<fs::path> EntriesOf(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> entries;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) entries.push_back(it->path());
  std::sort(entries.begin(), entries.end());
  return entries;
}

bool IsGguf(const fs::path& path) { return path.extension() == ".gguf"; }

std::string ReadText(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string Trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ' || text.back() == '\r')) text.pop_back();
  return text;
}

std::string WithoutExtension(const fs::path& path) { return (path.parent_path() / path.stem()).string(); }

// hub/models--OWNER--REPO/{refs/main, snapshots/REVISION/FILE}: the snapshot that refs/main names, else the last.
void AddHuggingFace(const Environment& env, std::vector<ModelFile>& found) {
  const fs::path hub = HuggingFaceCache(env);
  if (hub.empty()) return;
  constexpr std::string_view kPrefix = "models--";
  for (const fs::path& repo : EntriesOf(hub)) {
    std::string id = repo.filename().string();
    if (!id.starts_with(kPrefix)) continue;
    id.erase(0, kPrefix.size());
    if (const size_t at = id.find("--"); at != std::string::npos) id.replace(at, 2, 1, '/');
    fs::path snapshot = repo / "snapshots" / Trimmed(ReadText(repo / "refs" / "main"));
    std::error_code error;
    if (snapshot.filename().empty() || !fs::is_directory(snapshot, error)) {
      const auto all = EntriesOf(repo / "snapshots");
      if (all.empty()) continue;
      snapshot = all.back();
    }
    for (const fs::path& file : FilesBelow(snapshot)) {
      if (IsGguf(file)) {
        found.push_back({id + ":" + WithoutExtension(file.lexically_relative(snapshot)), file.string(), "Hugging Face cache"});
      }
    }
  }
}

void AddLlamaCpp(const Environment& env, std::vector<ModelFile>& found) {
  const std::string folder = FirstOf(
      env, {{"LLAMA_CACHE", ""}, {"XDG_CACHE_HOME", "llama.cpp"}, {"HOME", ".cache/llama.cpp"}});
  if (folder.empty()) return;
  for (const fs::path& file : EntriesOf(folder)) {
    if (IsGguf(file)) found.push_back({file.stem().string(), file.string(), "llama.cpp cache"});
  }
}

// models/manifests/HOST/OWNER/NAME/TAG is JSON whose layer of type "...image.model" names models/blobs/sha256-DIGEST.
void AddOllama(const Environment& env, std::vector<ModelFile>& found) {
  std::vector<fs::path> stores;
  if (const std::string store = FirstOf(env, {{"OLLAMA_MODELS", ""}, {"HOME", ".ollama/models"}}); !store.empty()) stores.emplace_back(store);
  if (env("OLLAMA_MODELS").empty()) stores.emplace_back("/usr/share/ollama/.ollama/models");  // its service's home on Linux
  for (const fs::path& store : stores) {
    const fs::path manifests = store / "manifests";
    for (const fs::path& file : FilesBelow(manifests)) {
      const fs::path relative = file.lexically_relative(manifests);
      const std::vector<fs::path> parts(relative.begin(), relative.end());
      if (parts.size() != 4) continue;
      const auto manifest = nlohmann::json::parse(ReadText(file), nullptr, false);
      if (!manifest.is_object() || !manifest.contains("layers") || !manifest["layers"].is_array()) continue;
      for (const auto& layer : manifest["layers"]) {
        if (!layer.is_object() || layer.value("mediaType", std::string()) != "application/vnd.ollama.image.model") continue;
        std::string digest = layer.value("digest", std::string());
        if (!digest.starts_with("sha256:") || digest.find('/') != std::string::npos) continue;
        digest[6] = '-';
        // As `ollama list` prints it: the registry and the owner only where they are not the usual ones.
        std::string name = parts[2].string() + ":" + parts[3].string();
        if (parts[1] != "library") name = parts[1].string() + "/" + name;
        if (parts[0] != "registry.ollama.ai") name = parts[0].string() + "/" + name;
        std::error_code error;
        if (fs::is_regular_file(store / "blobs" / digest, error)) found.push_back({name, (store / "blobs" / digest).string(), "Ollama"});
        break;
      }
    }
  }
}

void AddLmStudio(const Environment& env, std::vector<ModelFile>& found) {
  const std::string home = env("HOME");
  if (home.empty()) return;
  for (const char* folder : {".lmstudio/models", ".cache/lm-studio/models"}) {
    const fs::path root = fs::path(home) / folder;
    for (const fs::path& file : FilesBelow(root)) {
      if (!IsGguf(file)) continue;
      const fs::path relative = file.lexically_relative(root);
      const std::string owner = relative.parent_path().string();
      found.push_back({owner.empty() ? file.stem().string() : owner + ":" + file.stem().string(), file.string(), "LM Studio"});
    }
  }
}

}  // namespace

Environment ProcessEnvironment() {
  return [](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return std::string(value != nullptr ? value : "");
  };
}

std::string HuggingFaceCache(const Environment& env) {
  return FirstOf(env, {{"HF_HUB_CACHE", ""},
                       {"HF_HOME", "hub"},
                       {"XDG_CACHE_HOME", "huggingface/hub"},
                       {"HOME", ".cache/huggingface/hub"}});
}

std::vector<ModelFile> FindModelFiles(const Environment& env) {
  std::vector<ModelFile> found;
  AddHuggingFace(env, found);
  AddLlamaCpp(env, found);
  AddOllama(env, found);
  AddLmStudio(env, found);
  return found;
}

}  // namespace lp
