#include "engine/models.h"

#include <fmt/format.h>

#include "cli/commands.h"
#include "server/models_json.h"

namespace lp {

Status RunModels(const CommonOptions& common) {
  if (common.json) {
    fmt::print("{}\n", Dump(ModelsJson(), 1));
    return Ok();
  }
  const std::vector<FoundModel> models = FindModels();
  const Terminal terminal;
  for (const FoundModel& m : models) {
    const std::string mark = m.is_default ? " (default)" : "";
    fmt::print("{}{}\n", terminal.Bold(m.name), mark);
    if (!m.problem.empty()) {
      fmt::print("  cannot run: {}\n", m.problem);
    } else {
      fmt::print("  {} | {} | {:.1f} M parameters | {} | {:.1f} MiB\n", m.title, m.architecture,
                 static_cast<double>(m.n_parameters) / 1e6, m.quantization,
                 static_cast<double>(m.file_bytes) / (1 << 20));
    }
    fmt::print("  {}\n", terminal.Dim(m.path));
  }
  if (models.empty()) fmt::print("no models found\n");
  fmt::print("{}\n", terminal.Dim("-m also takes the path of any GGUF file"));
  return Ok();
}

}  // namespace lp
