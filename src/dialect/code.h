// Settings as something to paste: flags, a config object, a file, in the words of the engine that shall read them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/translate.h"

namespace lp {

// How one engine takes its settings.
struct CodeTarget {
  Dialect dialect;
  std::string_view language;  // "shell", "python", "modelfile", "json"
};
std::span<const CodeTarget> CodeTargets();
Result<CodeTarget> FindCodeTarget(std::string_view dialect);  // an unknown one is an error that lists them

struct Code {
  std::string text;
  bool exact = false;  // as Translation::exact
  std::vector<std::string> notes;
};

// `from`, translated (translate.h) and written down. What the engine would refuse outright is said in `notes`, and `text` is empty.
Result<Code> SettingsAsCode(const DialectSettings& from, const CodeTarget& target, std::span<const float> logits, const Step& step,
                            const ModelFacts& facts);

// The same with no distribution to fit on: what algebra cannot settle for every text has no text here, and says so.
Result<Code> SettingsAsCodeAnywhere(const DialectSettings& from, const CodeTarget& target, const ModelFacts& facts);

}  // namespace lp
