// LP_CHECK: our own bugs, kept in release. LP_DCHECK: the same where it would cost too much. Input must never reach
// one; what comes from outside returns an Error (base/result.h).
#pragma once

#include <cstdio>
#include <cstdlib>

namespace lp {
[[noreturn]] inline void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: LP_CHECK(%s) failed; this is a bug in logitpeek\n", file, line, condition);
  std::abort();
}
}  // namespace lp

#define LP_CHECK(condition) ((condition) ? void(0) : ::lp::CheckFailed(__FILE__, __LINE__, #condition))
#ifdef NDEBUG
#define LP_DCHECK(condition) void(sizeof((condition) ? 1 : 0))
#else
#define LP_DCHECK(condition) LP_CHECK(condition)
#endif
