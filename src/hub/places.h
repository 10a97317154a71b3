// Where GGUF files usually lie on a machine: the caches and stores of the programs that download them.
//
// Only finds; whether a file can run is the engine's to say. Nothing here writes.
#pragma once

#include <string>
#include <vector>

#include "hub/environment.h"

namespace lp {

struct ModelFile {
  std::string name;   // what -m accepts: "owner/repo:file", "llama3.2:1b", ...
  std::string path;
  std::string place;  // "Hugging Face cache", "llama.cpp cache", "Ollama", "LM Studio"
};

// $HF_HUB_CACHE, $HF_HOME/hub, $XDG_CACHE_HOME/huggingface/hub or ~/.cache/huggingface/hub, the first that is named.
std::string HuggingFaceCache(const Environment& env);

// Every GGUF file in the known places, by place and name. A place that is not there or cannot be read holds nothing;
// a store whose manifests are damaged holds what the others name.
std::vector<ModelFile> FindModelFiles(const Environment& env);

}  // namespace lp
