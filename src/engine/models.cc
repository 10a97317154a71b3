#include "engine/models.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/mapped_file.h"
#include "base/str_cat.h"
#include "gguf/gguf.h"
#include "hub/places.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"

namespace lp {
namespace fs = std::filesystem;
namespace {

// The shipped model; its card is models/README.md.
constexpr std::string_view kDefaultModel = "logitpeek-tales-q8_0";

// The GGUF files of a folder by name; none where there is no such folder.
std::vector<fs::path> GgufFilesIn(const std::string& folder) {
  std::error_code error;
  std::vector<fs::path> paths;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".gguf") paths.push_back(it->path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

FoundModel DescribeModel(const ModelFile& file_found) {
  FoundModel found{.name = file_found.name, .path = file_found.path, .place = file_found.place};
  found.is_default = found.name == kDefaultModel;
  const auto mapped = MappedFile::Open(found.path);
  if (!mapped.ok()) {
    found.problem = mapped.error().message;
    return found;
  }
  found.file_bytes = mapped->bytes().size();
  const auto file = GgufFile::Parse(mapped->bytes());
  if (!file.ok()) {
    found.problem = file.error().ToString();
    return found;
  }
  if (const auto title = file->GetString("general.name", found.name); title.ok()) found.title = *title;
  if (const auto arch = file->GetString("general.architecture", ""); arch.ok()) found.architecture = *arch;
  const auto model = Model::Load(*file);
  const auto tokenizer = Tokenizer::Load(*file);
  if (!model.ok()) {
    found.problem = model.error().ToString();
  } else {
    found.n_parameters = (*model)->n_parameters();
    found.quantization = (*model)->quantization();
    if (!tokenizer.ok()) found.problem = tokenizer.error().ToString();
  }
  return found;
}

std::vector<std::string> ModelFolders() {
  std::vector<std::string> folders;
  if (const char* chosen = std::getenv("LOGITPEEK_MODELS"); chosen != nullptr && *chosen != '\0')
    folders.emplace_back(chosen);
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  if (!program.empty()) folders.push_back((program.parent_path().parent_path() / "share/logitpeek/models").string());
  folders.emplace_back(LP_SOURCE_MODELS);
  return folders;
}

std::vector<ModelFile> ListModels() {
  std::vector<ModelFile> files;
  const auto add = [&](ModelFile file) {
    const bool known = std::any_of(files.begin(), files.end(), [&](const ModelFile& f) { return f.name == file.name; });
    if (!known) files.push_back(std::move(file));
  };
  for (const std::string& folder : ModelFolders()) {
    for (const fs::path& path : GgufFilesIn(folder)) add({path.stem().string(), path.string(), "logitpeek"});
  }
  for (ModelFile& file : FindModelFiles(ProcessEnvironment())) add(std::move(file));
  return files;
}

std::vector<FoundModel> FindModels() {
  std::vector<FoundModel> models;
  for (const ModelFile& file : ListModels()) models.push_back(DescribeModel(file));
  return models;
}

Result<std::string> ResolveModel(const std::string& name_or_path) {
  std::error_code error;
  if (!name_or_path.empty() && fs::exists(name_or_path, error)) return name_or_path;
  const std::string wanted = name_or_path.empty()              ? std::string(kDefaultModel)
                             : name_or_path.ends_with(".gguf") ? name_or_path.substr(0, name_or_path.size() - 5)
                                                               : name_or_path;
  std::string names, latest, some_tag;
  size_t n_tags = 0;
  for (const ModelFile& file : ListModels()) {
    if (file.name == wanted) return file.path;
    if (file.name == wanted + ":latest") latest = file.path;
    if (file.name.starts_with(wanted + ":")) some_tag = file.path, ++n_tags;
    names += (names.empty() ? "" : ", ") + file.name;
  }
  if (!latest.empty()) return latest;  // as Ollama's users leave it out
  if (n_tags == 1) return some_tag;    // "owner/repo" of which one file is here
  if (name_or_path.empty()) {
    return Error{ErrorCode::kNotFound,
                 "the model that ships with logitpeek is not in any of its folders; name a GGUF file with -m",
                 wanted + ".gguf"};
  }
  return Error{ErrorCode::kNotFound,
               StrCat("there is no such file and no model of that name; ",
                      names.empty() ? std::string("no models were found") : StrCat("the models found are ", names)),
               name_or_path};
}

}  // namespace lp
