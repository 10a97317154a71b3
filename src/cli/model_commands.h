// Commands about models and raw logits, one function each, in commands.h's manner.
#pragma once

#include <string>
#include <vector>

#include "cli/commands.h"

namespace lp {

// Fetches "OWNER/REPO[:FILE][@REVISION]" from the hub.
Status RunPull(const CommonOptions& common, const std::string& what);

struct LogitsOptions {
  std::string tokens;  // "1,2,3" instead of -p
  std::string output;  // .npy
  bool all = false;    // every position, not only the last
};
Status RunLogits(const CommonOptions& common, const LogitsOptions& options);

// What each layer would say next.
Status RunLens(const CommonOptions& common, size_t top);

struct BenchOptions {
  size_t prompt = 256;  // tokens
  size_t decode = 64;
  size_t repeats = 3;
};
Status RunBench(const CommonOptions& common, const BenchOptions& options);

// "1,2,3" or "1 2 3" as ids of this engine's vocabulary; `where` names the option in errors.
Result<std::vector<TokenId>> ParseIds(const std::string& text, size_t n_vocab, const std::string& where);

}  // namespace lp
