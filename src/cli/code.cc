#include "dialect/code.h"

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/source.h"
#include "wire/wire.h"

namespace lp {

Status RunCode(const CommonOptions& common, const CodeOptions& options) {
  std::vector<CodeTarget> targets(CodeTargets().begin(), CodeTargets().end());
  if (!options.to.empty()) {
    LP_ASSIGN_OR_RETURN(const CodeTarget one, FindCodeTarget(options.to));
    targets = {one};
  }
  LP_ASSIGN_OR_RETURN(const std::unique_ptr<Source> source, Source::Open(common, options.source));
  Json list = Json::array();
  for (const CodeTarget& target : targets) {
    LP_ASSIGN_OR_RETURN(const Code code, SettingsAsCode(common.sampler, target, source->logits(), source->step(), source->facts()));
    if (common.json) {
      list.push_back(CodeJson(target, code));
      continue;
    }
    // Everything but the code is a comment: what is printed for one engine can be pasted as it is.
    const std::string_view comment = target.language == "json" ? "//" : "#";
    fmt::print("{} {}: {}\n", comment, DialectName(target.dialect), code.exact ? "exact" : "not exact");
    for (const std::string& note : code.notes) fmt::print("{} {}\n", comment, note);
    fmt::print("{}{}", code.text, targets.size() > 1 ? "\n" : "");
  }
  if (common.json) fmt::print("{}\n", Dump({{"targets", std::move(list)}}, 1));
  return Ok();
}

}  // namespace lp
