// Files of logits, as other programs write them and as `logits` does.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace lp {

// One vector of logits as float32. By the file's name: .npy (NumPy; little-endian float16, float32 or float64, one
// dimension), .f32 (nothing but float32) or .json (an array of numbers; -Infinity as Python writes it). float64 is
// rounded. Errors: another type or shape, a file that ends early, no numbers; NaN is left for Trace::Run to name.
Result<std::vector<float>> ReadLogits(const std::string& path);

// [columns], or [rows, columns] with rows > 0, as .npy.
Status WriteNpy(const std::string& path, std::span<const float> data, size_t rows, size_t columns);

}  // namespace lp
