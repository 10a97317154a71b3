#include "server/host.h"

#include <algorithm>

#include "base/str_cat.h"
#include "engine/models.h"

namespace lp {

std::shared_ptr<Engine> ModelHost::Current() const {
  const std::lock_guard lock(mutex_);
  return engine_;
}

std::optional<std::string> ModelHost::loading() const {
  const std::lock_guard lock(mutex_);
  return loading_;
}

Status ModelHost::Load(const std::string& name) {
  const std::vector<ModelFile> files = ListModels();
  const auto file = std::find_if(files.begin(), files.end(), [&](const ModelFile& f) { return f.name == name; });
  if (file == files.end()) {
    return Error{ErrorCode::kOutOfRange, StrCat("there is no model \"", name, "\" on this machine; GET /api/v1/models lists them"), "/name"};
  }
  const std::lock_guard one_at_a_time(load_mutex_);
  const auto say = [&](std::optional<std::string> what) {
    const std::lock_guard lock(mutex_);
    loading_ = std::move(what);
  };
  say(name);
  auto engine = Engine::Open(file->path, options_);
  say(std::nullopt);
  if (!engine.ok()) return Error{ErrorCode::kOutOfRange, engine.error().ToString(), "/name"};
  const std::lock_guard lock(mutex_);
  engine_ = std::move(engine).value();
  return Ok();
}

}  // namespace lp
