// Where the real models and vocabularies lie that some tests read: $LOGITPEEK_SHARED, else `shared` beside the
// checkout. They are not part of the project; a test that needs one and does not find it is skipped and says so.
#pragma once

#include <gtest/gtest.h>

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

// Declares `const std::string variable`, the path; skips the test where the file is missing.
#define LP_SHARED_OR_SKIP(variable, relative)                       \
  const std::string variable = ::lp::testing::SharedPath(relative); \
  if (variable.empty())                                             \
  GTEST_SKIP() << "needs " << (relative)                            \
               << ": put it beside the checkout as ../shared/..., or set LOGITPEEK_SHARED to the folder"
