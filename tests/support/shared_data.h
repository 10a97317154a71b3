// A test that needs a real model or vocabulary (support/shared_path.h) and does not find it is skipped and says so.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "support/shared_path.h"

// Declares `const std::string variable`, the path; skips the test where the file is missing.
#define LP_SHARED_OR_SKIP(variable, relative)                       \
  const std::string variable = ::lp::testing::SharedPath(relative); \
  if (variable.empty())                                             \
  GTEST_SKIP() << "needs " << (relative)                            \
               << ": put it beside the checkout as ../shared/..., or set LOGITPEEK_SHARED to the folder"
