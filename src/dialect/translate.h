// The settings in another dialect that come closest to what these do here.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "dialect/dialect.h"
#include "sampling/step.h"

namespace lp {

struct Translation {
  Settings settings;          // in the target dialect, nominal
  bool exact = false;         // by algebra, for any logits
  std::string how;            // "min_p' = min_p^T, since the target tests it after the temperature", "minimiser of KL ..."
  double kl_forward = 0;      // KL(source || translated) on these logits, nats; +inf where the kept sets do not nest
  double kl_backward = 0;     // KL(translated || source)
  double total_variation = 0;
  std::vector<std::string> notes;
};

// `logits` [V] are where closeness is measured when no algebra settles it.
Result<Translation> Translate(const DialectSettings& from, Dialect to, std::span<const float> logits, const Step& step,
                              const ModelFacts& facts);

}  // namespace lp
