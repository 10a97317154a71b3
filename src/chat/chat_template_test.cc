// Chat templates against what transformers and Jinja make of them (tests/fixtures/chat_templates.json, by
// tests/tools/make_chat_templates.py): templates of models with several conversations, and small templates of one thing
// each.
#include "chat/chat_template.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace lp {
namespace {

using nlohmann::json;

// $LOGITPEEK_CHAT_TEMPLATES: another file of the same kind, as make_chat_templates.py --all writes it.
const json& Fixture() {
  static const json fixture = [] {
    const char* other = std::getenv("LOGITPEEK_CHAT_TEMPLATES");
    std::ifstream in(other ? other : LP_SOURCE_DIR "/tests/fixtures/chat_templates.json");
    return json::parse(in);
  }();
  return fixture;
}

ChatTemplateOptions Options(bool add_generation_prompt) {
  const auto now = Fixture().at("now").get<std::vector<int>>();
  ChatTemplateOptions options{.add_generation_prompt = add_generation_prompt, .bos = "<s>", .eos = "</s>", .now = {}};
  options.now.tm_year = now[0] - 1900, options.now.tm_mon = now[1] - 1, options.now.tm_mday = now[2];
  options.now.tm_hour = now[3], options.now.tm_min = now[4], options.now.tm_sec = now[5];
  return options;
}

std::vector<ChatMessage> Chat(size_t i) {
  std::vector<ChatMessage> out;
  for (const json& m : Fixture().at("chats").at(i)) out.push_back({m.at("role"), m.at("content")});
  return out;
}

// What failed there has to fail here, and nothing else.
void ExpectSame(const Result<std::string>& ours, const json& theirs, const std::string& what) {
  if (theirs.is_null()) {
    EXPECT_FALSE(ours.ok()) << what << "\nprints " << (ours.ok() ? *ours : "");
    if (!ours.ok()) {
      EXPECT_FALSE(ours.error().message.empty());
      EXPECT_EQ(ours.error().where.substr(0, 5), "line ") << what << "\n" << ours.error().ToString();
    }
  } else {
    ASSERT_TRUE(ours.ok()) << what << "\n" << ours.error().ToString();
    EXPECT_EQ(*ours, theirs.get<std::string>()) << what;
  }
}

TEST(ChatTemplate, TemplatesOfModelsPrintWhatTransformersPrints) {
  for (const auto& [name, t] : Fixture().at("templates").items()) {
    for (size_t chat = 0; chat < t.at("prints").size(); ++chat) {
      for (const size_t without : {0u, 1u}) {
        const auto ours = RenderChatTemplate(t.at("source").get<std::string>(), Chat(chat), Options(without == 0));
        ExpectSame(ours, t.at("prints").at(chat).at(without), name + ", chat " + std::to_string(chat));
      }
    }
  }
}
// Mutation: trim_blocks or lstrip_blocks off; `set` in a loop that stays; loop.index from 0 -> red.

TEST(ChatTemplate, SmallTemplatesPrintWhatJinjaPrints) {
  for (const json& snippet : Fixture().at("snippets")) {
    const auto source = snippet.at(0).get<std::string>();
    ExpectSame(RenderChatTemplate(source, Chat(2), Options(true)), snippet.at(1), source);
  }
}

TEST(ChatTemplate, TellsWhatItDoesNotKnowAndWhere) {
  const auto error = [](const std::string& source) {
    const auto result = RenderChatTemplate(source, {}, {});
    return result.ok() ? "prints " + *result : result.error().ToString();
  };
  EXPECT_EQ(error("a\nb {% include 'x' %}"),
            "line 2: {% include %} is not supported; supported: if, for, set, macro, break, continue, generation");
  EXPECT_EQ(error("\n\n{{ 'a' | shout }}"), "line 3: the filter \"shout\" is not supported");
  EXPECT_EQ(error("{{ a.b }}"), "line 1: \"a\" is undefined");
  EXPECT_EQ(error("{% if 1 %}"), "line 1: the template ends before {% endif %}");
  EXPECT_EQ(error("{{ raise_exception('Only user and assistant') }}"),
            "line 1: the model's chat template refuses this: Only user and assistant");
}

// ---- templates that mean harm

TEST(ChatTemplate, HasLimits) {
  const auto fails = [](const std::string& source, const std::string& why) {
    const auto result = RenderChatTemplate(source, {{"user", "hi"}}, {});
    ASSERT_FALSE(result.ok()) << source.substr(0, 100);
    EXPECT_NE(result.error().message.find(why), std::string::npos) << result.error().ToString();
  };
  fails("{{ " + std::string(100'000, '(') + std::string(100'000, ')') + " }}", "deep");
  fails("{{ " + std::string(100'000, '[') + std::string(100'000, ']') + " }}", "deep");
  fails("{{ " + std::string(100'000, '-') + "1 }}", "deep");
  const auto repeat = [](const std::string& part, int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += part;
    return out;
  };
  fails("{{ " + repeat("not ", 20'000) + "1 }}", "deep");
  fails(repeat("{% if 1 %}", 20'000), "deep");
  fails("{% if 1 %}" + repeat("{% elif 1 %}", 20'000) + "{% endif %}", "deep");
  for (const char* chain :
       {"[0]", ".a", "|list", "()", "+1", "~1", " and 1", " or 1", "*1", "**1", " is none", " if 1"}) {
    fails("{{ messages" + repeat(chain, 100'000) + " }}", "too many operators");
    fails("{{ messages" + repeat(chain, 1'000) + " }}", "");
  }
  fails("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "deep");
  fails("{% set ns = namespace(a=1) %}{% for i in range(1000) %}{% set ns.a = [ns.a] %}{% endfor %}", "deep");
  fails("{% set ns = namespace() %}{% set ns.me = ns %}", "namespace");
  fails("{% set ns = namespace() %}{% set x = [ns] %}", "namespace");
  fails("{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}", "large");
  fails("{% set ns = namespace(s=[1]) %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}", "large");
  fails("{{ 'x' * 1000000000000 }}", "too often");
  fails("{% for i in range(50000) %}{% for j in range(50000) %}{% endfor %}{% endfor %}", "long");
  fails("{% set s = 'x' * 1000000 %}{% for i in range(1000) %}{{ s }}{% endfor %}", "prints too much");
  fails("{% set s = 'x' * 100000 %}{{ s.replace('x', s) }}", "too long");
  fails("{% set s = 'x' * 100000 %}{{ range(10000) | join(s) }}", "too long");
  fails(std::string(2 << 20, ' '), "longer than");
}

// Any bytes and any piece of a template end in text or an error.
TEST(ChatTemplate, NothingCrashesIt) {
  std::mt19937 rng(5);
  std::vector<std::string> sources;
  for (const auto& [name, t] : Fixture().at("templates").items()) sources.push_back(t.at("source"));
  for (const json& snippet : Fixture().at("snippets")) sources.push_back(snippet.at(0));
  const auto render = [](const std::string& source) {
    (void)RenderChatTemplate(std::string(source), {{"user", "hi \xFF"}, {"assistant", ""}}, {});
  };
  for (int round = 0; round < 4000; ++round) {
    std::string source = sources[rng() % sources.size()];
    switch (rng() % 4) {
      case 0:
        source.resize(source.empty() ? 0 : rng() % source.size());
        break;
      case 1:
        for (int i = 0; i < 3 && !source.empty(); ++i) source[rng() % source.size()] = static_cast<char>(rng());
        break;
      case 2:
        if (!source.empty()) source.erase(rng() % source.size(), 1 + rng() % 5);
        break;
      default: {
        const std::string& other = sources[rng() % sources.size()];
        source.insert(rng() % (source.size() + 1), other.substr(rng() % (other.size() + 1)));
      }
    }
    render(source);
  }
}

}  // namespace
}  // namespace lp
