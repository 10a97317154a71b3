// The page, embedded in the program by cmake/embed.cmake.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace lp {

struct Asset {
  std::string_view path;  // "/index.html"
  std::span<const unsigned char> bytes;
};

// Empty in a build without the page (LP_WEB=OFF).
const std::vector<Asset>& EmbeddedAssets();

}  // namespace lp
