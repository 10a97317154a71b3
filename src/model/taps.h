// What can be watched inside a forward pass. Costs nothing where nobody watches.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

namespace lp {

// Called for the last token of an evaluation, layer by layer; layers count from 0. The spans are valid during the call only.
struct Taps {
  // The residual stream [n_embd] after the layer's attention and feed-forward were added.
  std::function<void(size_t layer, std::span<const float> stream)> residual;
  // How one head weighs the positions it sees: [n_positions] probabilities, the last one that of the token itself; of a
  // layer with a window, of the latest positions only.
  std::function<void(size_t layer, size_t head, std::span<const float> weights)> attention;
};

}  // namespace lp
