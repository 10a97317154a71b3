#include "hub/pull.h"

#include <fmt/format.h>

#include <chrono>
#include <csignal>

#include "cli/model_commands.h"
#include "wire/wire.h"

namespace lp {
namespace {

volatile std::sig_atomic_t interrupted = 0;

}  // namespace

Status RunPull(const CommonOptions& common, const std::string& what) {
  LP_ASSIGN_OR_RETURN(const PullRequest request, ParsePullRequest(what));
  std::signal(SIGINT, [](int) { interrupted = 1; });
  const Progress progress("fetching ");
  const auto start = std::chrono::steady_clock::now();
  const auto pulled = Pull(request, ProcessEnvironment(), [&](const PullProgress& p) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const auto mib = [](uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
    progress.Show(fmt::format("{}: {:.1f} of {:.1f} MiB, {:.1f} MiB/s", p.file, mib(p.bytes_done), mib(p.bytes_total),
                              seconds > 0 ? mib(p.bytes_done - p.bytes_resumed) / seconds : 0));
    return interrupted == 0;
  });
  std::signal(SIGINT, SIG_DFL);
  progress.Clear();
  if (!pulled.ok()) {
    if (pulled.error().code != ErrorCode::kCancelled) return pulled.error();
    return Error{ErrorCode::kCancelled, "stopped; what was fetched is kept, and the same command goes on from there", what};
  }
  if (common.json) {
    fmt::print("{}\n", Dump({{"path", pulled->path}, {"file", pulled->file}, {"was_there", pulled->was_there}}, 1));
    return Ok();
  }
  fmt::print("{}{}\n", pulled->path, pulled->was_there ? " (was there)" : "");
  return Ok();
}

}  // namespace lp
