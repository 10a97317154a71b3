// Any bytes as a chat template: text or an error, within its limits.
#include "fuzz.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "chat/chat_template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string source(reinterpret_cast<const char*>(data), size);
  (void)lp::RenderChatTemplate(source, {{"system", "Be\xFF brief."}, {"user", " hi\n"}, {"assistant", ""}}, {});
  return 0;
}

// The templates and snippets of the tests: every construct there is.
std::vector<std::vector<uint8_t>> lp::testing::Seeds() {
  std::ifstream in(std::string(LP_SOURCE_DIR) + "/tests/fixtures/chat_templates.json");
  const auto fixture = nlohmann::json::parse(in);
  std::vector<std::vector<uint8_t>> seeds;
  const auto add = [&](const std::string& source) { seeds.emplace_back(source.begin(), source.end()); };
  for (const auto& [name, t] : fixture.at("templates").items()) add(t.at("source"));
  for (const auto& snippet : fixture.at("snippets")) add(snippet.at(0));
  return seeds;
}
