#include "cli/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>

#include "cli/commands.h"

namespace lp {
namespace {

constexpr int kFailed = 1, kUsage = 2;

int Complain(const Error& error, int status) {
  fmt::print(stderr, "logitpeek: {}\n", error.ToString());
  return status;
}

void AddModel(CLI::App& command, CommonOptions& common) {
  command.add_option("-m,--model", common.model, "GGUF file, or a name that `logitpeek models` lists")
      ->type_name("FILE|NAME");
  command.add_option("-t,--threads", common.threads, "threads for the model (default: one per processor)")
      ->check(CLI::Range(1, 1024));
  command.add_option("-c,--ctx-size", common.context, "tokens of context (default: the model's, at most 4096)")
      ->check(CLI::Range(2, 1 << 24));
}

void AddJson(CLI::App& command, CommonOptions& common) {
  command.add_flag("--json", common.json, "write JSON (docs/json.md) instead of text");
}

void AddPrompt(CLI::App& command, CommonOptions& common) {
  command.add_option("-p,--prompt", common.prompt, "the text to continue")->required()->type_name("TEXT");
}

// Under every name that users of llama.cpp and transformers write.
void AddSampler(CLI::App& command, SamplerSettings& s) {
  const auto add = [&](const char* names, auto& value, const char* help) {
    return command.add_option(names, value, help)->group("Sampler");
  };
  add("--temp,--temperature", s.temperature,
      "divide logits by T: below 1 sharper, above 1 flatter, 0 greedy (default 1)");
  add("--top-k,--top_k", s.top_k, "keep the k likeliest tokens, 0 = off (default 0)");
  add("--top-p,--top_p", s.top_p, "keep the likeliest tokens that together hold p, 1 = off (default 1)");
  add("--repeat-penalty,--repetition-penalty,--repetition_penalty", s.repetition_penalty,
      "push down tokens already seen, 1 = off (default 1)");
  add("--repeat-last-n,--repeat_last_n", s.repeat_last_n, "tokens the penalty looks back, -1 = all (default -1)");
  add("-s,--seed", s.seed, "the draw depends on the seed and the position only (default 42)")
      ->check(CLI::NonNegativeNumber);
}

// CLI11 explains itself over several lines; we promise one sentence.
std::string OneSentence(const CLI::ParseError& error) {
  std::string text = error.what();
  if (const size_t newline = text.find('\n'); newline != std::string::npos) text.resize(newline);
  while (!text.empty() && (text.back() == '.' || text.back() == ' ')) text.pop_back();
  return text + "; `logitpeek --help` lists commands, `logitpeek COMMAND --help` their options";
}

}  // namespace

int RunCli(int argc, char** argv) {
  CommonOptions common;
  NextOptions next;
  ServeOptions serve;
  size_t n_tokens = 64;
  std::string argument;
  std::function<Status()> run;

  CLI::App app("Build sentences token by token from live probability distributions.", "logitpeek");
  app.set_version_flag("--version", std::string("logitpeek ") + kVersion);
  app.require_subcommand(1);
  const auto command = [&](const char* name, const char* help, std::function<Status()> body) {
    CLI::App* sub = app.add_subcommand(name, help);
    sub->callback([&run, body = std::move(body)] { run = body; });
    return sub;
  };

  CLI::App* c = command("serve", "open the workbench in the browser", [&] { return RunServe(common, serve); });
  AddModel(*c, common);
  c->add_option("--host", serve.host, "address to listen on (default 127.0.0.1: this machine only)");
  c->add_option("--port", serve.port, "port, 0 = any free one (default 8017)")->check(CLI::Range(0, 65535));
  c->add_flag("!--no-browser", serve.open_browser, "print the address and do not open a browser");

  c = command("next", "the distribution of the next token", [&] { return RunNext(common, next); });
  AddModel(*c, common), AddPrompt(*c, common), AddSampler(*c, common.sampler), AddJson(*c, common);
  c->add_option("--top", next.top, "rows to show, 0 = the whole vocabulary (default 20)")
      ->check(CLI::NonNegativeNumber);
  c->add_flag("--trace", next.trace, "also what each stage did to each token");

  c = command("generate", "continue a text", [&] { return RunGenerate(common, n_tokens); });
  AddModel(*c, common), AddPrompt(*c, common), AddSampler(*c, common.sampler), AddJson(*c, common);
  c->add_option("-n,--n-predict", n_tokens, "tokens to add at most (default 64)")->check(CLI::NonNegativeNumber);

  c = command("score", "how surprised the model is by a text", [&] { return RunScore(common, argument); });
  AddModel(*c, common), AddJson(*c, common);
  c->add_option("FILE", argument, "text file, - for standard input")->required();

  c = command("tokenize", "a text as tokens", [&] { return RunTokenize(common, argument); });
  AddModel(*c, common), AddJson(*c, common);
  c->add_option("TEXT,-p,--prompt", argument, "the text, - for standard input")->required();

  c = command("inspect", "what is in a GGUF file", [&] { return RunInspect(common, argument); });
  AddJson(*c, common);
  c->add_option("FILE", argument, "GGUF file, or a listed name (default: the shipped model)");
  c->add_option("-m,--model", argument, "the same");

  c = command("models", "the models that -m knows by name", [&] { return RunModels(common); });
  AddJson(*c, common);

  std::string names;
  bool known = argc < 2 || argv[1][0] == '-';
  for (const CLI::App* sub : app.get_subcommands(nullptr)) {
    names += (names.empty() ? "" : ", ") + sub->get_name();
    known = known || sub->get_name() == argv[1];
  }
  if (!known) {
    return Complain(
        Error{ErrorCode::kInvalidArgument, fmt::format("there is no command \"{}\"; there are {}", argv[1], names)},
        kUsage);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {  // --help, --version
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "logitpeek: {}\n", OneSentence(error));
    return kUsage;
  }
  if (const Status valid = Validate(common.sampler); !valid.ok()) {
    return Complain(Error{valid.error().code, valid.error().message}, kUsage);  // the message names the setting
  }
  const Status status = run();
  if (!status.ok()) return Complain(status.error(), kFailed);
  if (std::fflush(stdout) != 0) return Complain(Error{ErrorCode::kIo, "the output could not be written", ""}, kFailed);
  return 0;
}

}  // namespace lp
