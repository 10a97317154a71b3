#include "server/models_json.h"

#include "engine/models.h"

namespace lp {

Json ModelsJson() {
  Json models = Json::array();
  for (const FoundModel& m : FindModels()) {
    models.push_back({{"name", m.name},
                      {"path", m.path},
                      {"place", m.place},
                      {"title", m.title},
                      {"architecture", m.architecture},
                      {"quantization", m.quantization},
                      {"parameters", m.n_parameters},
                      {"file_bytes", m.file_bytes},
                      {"default", m.is_default},
                      {"problem", m.problem.empty() ? Json(nullptr) : Json(m.problem)}});
  }
  return {{"folders", ModelFolders()}, {"models", std::move(models)}};
}

}  // namespace lp
