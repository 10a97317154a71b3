// What a fuzzer gives its driver.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

// libFuzzer's entry point: must return 0 for every input, and do nothing that a sanitizer objects to.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace lp::testing {
// Small valid inputs to start from.
std::vector<std::vector<uint8_t>> Seeds();
}  // namespace lp::testing
