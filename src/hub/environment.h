// What the process's environment says about model folders and the hub, passed in so that tests can say it too.
#pragma once

#include <functional>
#include <string>

namespace lp {

// The value of an environment variable; empty when not set.
using Environment = std::function<std::string(const std::string& name)>;
Environment ProcessEnvironment();

}  // namespace lp
