// The models on this machine as JSON: the answer to `models`, on the command line and over HTTP.
#pragma once

#include "wire/wire.h"

namespace lp {

// {folders, models: [{name, path, place, title, architecture, quantization, parameters, file_bytes, default, problem}]}. Opens every file.
Json ModelsJson();

}  // namespace lp
