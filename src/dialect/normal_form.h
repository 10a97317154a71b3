// A chain said in one way, so that two dialects' chains can be seen to be the same for any logits.
//
// A temperature between two cuts only changes the units of the second one. Here every cut is stated in the units of the
// logits that entered the chain: a gap of min-p in nats before the temperature, a mass with the temperature it is
// measured at; then cuts that commute are put in one order.
#pragma once

#include <string>
#include <vector>

#include "sampling/stages.h"

namespace lp {

struct NormalForm {
  struct Item {
    std::string kind;              // the stage's name
    std::vector<double> numbers;   // its parameters in these units
    double temperature = 1;        // of the logits it looks at; 1 where it does not matter
  };
  std::vector<Item> items;  // without stages that are off and without temperatures
  double temperature = 1;   // of what is left at the end; 0 = greedy
};
NormalForm Normalise(const Chain& chain);

// Whether a stage of this name removes tokens and never the best.
bool KeepsTheBest(const std::string& kind);

// The same distribution for any logits without ties, up to rounding.
bool Equivalent(const NormalForm& a, const NormalForm& b);

}  // namespace lp
