// Where the real models and vocabularies lie that some tests and fuzzers read: $LOGITPEEK_SHARED, else `shared` beside the
// checkout. They are not part of the project.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace lp::testing {

// The path of e.g. "data/tokenizers/ggml-vocab-gpt-2.gguf", or "" where it is not there.
inline std::string SharedPath(const std::string& relative) {
  const char* root = std::getenv("LOGITPEEK_SHARED");
  const std::filesystem::path base = root != nullptr && *root != '\0'
                                         ? std::filesystem::path(root)
                                         : std::filesystem::path(LP_SOURCE_DIR) / ".." / "shared";
  const std::filesystem::path path = base / relative;
  std::error_code ignored;
  return std::filesystem::exists(path, ignored) ? path.string() : std::string();
}

}  // namespace lp::testing
