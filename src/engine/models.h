// Where model files are, and which one is meant.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace lp {

struct FoundModel {
  std::string name;  // the file's name without .gguf: what -m accepts
  std::string path;
  std::string title;  // general.name
  std::string architecture;
  std::string quantization;  // type of most weights
  uint64_t file_bytes = 0;
  uint64_t n_parameters = 0;
  std::string problem;  // why it cannot run; empty when it can
  bool is_default = false;
};

// The folders searched, in order: $LOGITPEEK_MODELS (one folder), the one installed beside the program, the source
// tree's.
std::vector<std::string> ModelFolders();

// GGUF files in those folders, by name; a name found twice is the earlier folder's.
std::vector<FoundModel> FindModels();

// A path for what -m says: an existing file, else a listed name (with or without .gguf); "" means the default model.
// The error lists the names.
Result<std::string> ResolveModel(const std::string& name_or_path);

}  // namespace lp
