// Where model files are, and which one is meant.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "hub/places.h"

namespace lp {

struct FoundModel {
  std::string name;  // what -m accepts: the file's name without .gguf, or what its store calls it
  std::string path;
  std::string place;  // "logitpeek", "Hugging Face cache", "llama.cpp cache", "Ollama", "LM Studio"
  std::string title;  // general.name
  std::string architecture;
  std::string quantization;  // type of most weights
  uint64_t file_bytes = 0;
  uint64_t n_parameters = 0;
  std::string problem;  // why it cannot run; empty when it can
  bool is_default = false;
};

// logitpeek's own folders, in order: $LOGITPEEK_MODELS (one folder), the one installed beside the program, the source
// tree's.
std::vector<std::string> ModelFolders();

// GGUF files in those folders by name, then those of the places other programs keep theirs (hub/places.h); a name found
// twice is the earlier one's. Opens every file, to say what it is and whether it can run.
std::vector<FoundModel> FindModels();

// What one file is, and whether it can run.
FoundModel DescribeModel(const ModelFile& file);

// The same list without opening a file.
std::vector<ModelFile> ListModels();

// A path for what -m says: an existing file, else a listed name (with or without .gguf; what stands before its ':' will do where that is one
// file, or ":latest" exists); "" means the default model.
// The error lists the names.
Result<std::string> ResolveModel(const std::string& name_or_path);

}  // namespace lp
