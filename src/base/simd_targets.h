// For files compiled once per SIMD target (hwy/foreach_target.h), before that is included:
//   #undef HWY_DISABLED_TARGETS
//   #define HWY_DISABLED_TARGETS LP_SCALABLE_TARGETS
#pragma once

// Arrays of vectors need types with a size, which scalable vectors have not: ARM runs NEON.
#define LP_SCALABLE_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
