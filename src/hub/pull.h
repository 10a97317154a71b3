// Fetching a GGUF file from the Hugging Face hub into its own cache, in the layout its other users know, so that a file
// pulled here is there for transformers and llama.cpp too, and one they pulled is not pulled again.
//
// Interrupted downloads go on where they stopped; a file is given its name only after its SHA-256 was checked.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "hub/environment.h"

namespace lp {

struct PullRequest {
  std::string repository;  // "owner/name"
  std::string file;        // a path in it, or a part of a name such as "Q4_K_M"; empty: the hub's users' usual choice
  std::string revision = "main";
};
// "OWNER/REPO[:FILE][@REVISION]"
Result<PullRequest> ParsePullRequest(const std::string& text);

struct PullProgress {
  std::string file;
  uint64_t bytes_done = 0, bytes_total = 0;
  uint64_t bytes_resumed = 0;  // were there from before
};
// Called a few times a second; false stops the download, which can go on later.
using PullObserver = std::function<bool(const PullProgress&)>;

struct Pulled {
  std::string path;  // of the snapshot's link to the file
  std::string file;  // its name in the repository
  bool was_there = false;
};

// Environment: HF_ENDPOINT (default https://huggingface.co), HF_TOKEN (else the file $HF_HOME/token), HF_HUB_OFFLINE (then what
// the cache has, and nothing else), and the cache folder's variables (places.h). Errors: kNotFound (no such repository or file: the message lists its GGUF files),
// kIo (no network, disk full), kCorrupt (checksum), kInvalidArgument, kCancelled.
Result<Pulled> Pull(const PullRequest& request, const Environment& env, const PullObserver& observer = nullptr);

}  // namespace lp
