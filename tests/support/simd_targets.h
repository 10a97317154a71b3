// Runs a test body on every SIMD target this processor has, so that the one that dispatch would pick is not the only one tested.
#pragma once

#include <gtest/gtest.h>
#include <hwy/targets.h>

namespace lp {

template <class Body>
void ForEachSimdTarget(const Body& body) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    body();
  }
  hwy::SetSupportedTargetsForTest(0);  // back to what the processor offers
}

}  // namespace lp
