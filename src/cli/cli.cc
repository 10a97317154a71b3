#include "cli/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>

#include "cli/commands.h"
#include "cli/model_commands.h"

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
  static const std::map<std::string, WeightPlace> kPlaces = {
      {"auto", WeightPlace::kAuto}, {"mapped", WeightPlace::kMapped}, {"copied", WeightPlace::kCopied}};
  command
      .add_option_function<std::string>(
          "--weights",
          [&common](const std::string& place) {
            const auto found = kPlaces.find(place);
            if (found == kPlaces.end()) throw CLI::ValidationError("--weights", "\"" + place + "\" is no place; give auto, mapped or copied");
            common.weights = found->second;
          },
          "where the weights are: mapped (in the file: opens at once), copied (into memory, before the first token: runs faster), "
          "auto (copied beside the first tokens, if that takes at most half of the free memory; default)")
      ->type_name("PLACE");
  command.add_flag_callback("--no-mmap", [&common] { common.weights = WeightPlace::kCopied; }, "the same as --weights copied");
  command.add_flag("--verbose", common.verbose, "tell the hash of the logits, on stderr");
  command.add_option("--cache-mib", common.cache_mib,
                     "MiB for keys and values of all branches (default 1024; always enough for one full context)")
      ->check(CLI::Range(0, 1 << 24));
}

void AddJson(CLI::App& command, CommonOptions& common) {
  command.add_flag("--json", common.json, "write JSON (docs/json.md) instead of text");
}

CLI::Option* AddSpecial(CLI::App& command, CommonOptions& common) {
  return command.add_flag("--special", common.special, "control tokens spelled out in the text (<|im_start|>) are those tokens, not text");
}

void AddChat(CLI::App& command, CommonOptions& common) {
  CLI::Option* chat = command.add_flag("--chat", common.chat, "the prompt is a message to an instruct model, said through its chat template");
  command.add_option("--system", common.system, "with --chat: the system's message before it")->type_name("TEXT")->needs(chat);
  AddSpecial(command, common)->excludes(chat);
}

void AddPrompt(CLI::App& command, CommonOptions& common) {
  command.add_option("-p,--prompt", common.prompt, "the text to continue")->required()->type_name("TEXT");
  AddChat(command, common);
}

// A setting as given on the command line; read once all flags are known.
using GivenSettings = std::vector<std::pair<std::string, std::string>>;

// Every setting under every name that users of any engine write, with - or _ between words.
std::string FlagNames(const SettingSpec& spec) {
  std::vector<std::string_view> names = {spec.name};
  names.insert(names.end(), spec.aliases.begin(), spec.aliases.end());
  std::string flags = spec.name == "seed" ? "-s" : "";
  const auto add = [&](const std::string& name) { flags += (flags.empty() ? "--" : ",--") + name; };
  for (const std::string_view name : names) {
    if (name.size() == 1) continue;  // "t" is temperature in a chain's text only
    std::string dashed(name);
    std::replace(dashed.begin(), dashed.end(), '_', '-');
    add(dashed);
    if (dashed != name) add(std::string(name));
  }
  return flags;
}

void AddSampler(CLI::App& command, DialectSettings& sampler, std::string& dialect, GivenSettings& given) {
  const char* group = "Sampler";
  command.add_option("--dialect", dialect, "whose meaning the settings have: see `logitpeek dialects`")->group(group);
  command.add_option("--chain", sampler.chain, "stages in order instead: 'temperature=0.7;top_k=40;top_p=0.9'")->group(group);
  for (const SettingSpec& spec : AllSettings()) {
    const std::string name(spec.name);
    command.add_option_function<std::string>(FlagNames(spec), [&given, name](const std::string& text) { given.emplace_back(name, text); },
                                             std::string(spec.help))
        ->group(group)
        ->type_name("");
  }
}

// What of the sampler can be checked before a model is loaded.
Status ReadSampler(CommonOptions& common, const std::string& dialect, const GivenSettings& given) {
  if (!dialect.empty()) {
    LP_ASSIGN_OR_RETURN(common.sampler.dialect, ParseDialect(dialect));
  }
  for (const auto& [name, text] : given) LP_RETURN_IF_ERROR(SetFromText(common.sampler.settings, name, text));
  LP_ASSIGN_OR_RETURN(const Resolved resolved, Resolve(common.sampler, ModelFacts{}));
  return Ok();
}

void AddLogits(CLI::App& command, SourceOptions& source, std::string* prompt = nullptr) {
  CLI::Option_group& given = *command.add_option_group("Distribution");
  if (prompt != nullptr) given.require_option(1), given.add_option("-p,--prompt", *prompt, "the text to continue")->type_name("TEXT");
  given.add_option("--logits", source.logits, "a .npy, .f32 or .json file of one vector of logits")
      ->type_name("FILE")
      ->required(prompt == nullptr);
  command.add_option("--history", source.history, "the tokens before, which penalties look at")->type_name("ID,ID,...");
  command.add_option("--prompt-length", source.prompt_length, "how many of the history are the prompt (default: all)")
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
  CompareOptions compare;
  TranslateOptions translate;
  CodeOptions code;
  LogitsOptions logits;
  BenchOptions bench;
  ServeOptions serve;
  std::string dialect;
  GivenSettings given;
  size_t n_tokens = 64, lens_top = 5;
  std::string argument;
  bool list_tensors = false;
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
  AddModel(*c, common), AddPrompt(*c, common), AddSampler(*c, common.sampler, dialect, given), AddJson(*c, common);
  c->add_option("--top", next.top, "rows to show, 0 = the whole vocabulary (default 20)")
      ->check(CLI::NonNegativeNumber);
  c->add_flag("--trace", next.trace, "also what each stage did to each token");

  c = command("shape", "what a sampler chain makes of logits from anywhere", [&] { return RunNext(common, next); });
  AddModel(*c, common), AddLogits(*c, next.source), AddSampler(*c, common.sampler, dialect, given), AddJson(*c, common);
  c->add_option("--top", next.top, "rows to show, 0 = the whole vocabulary (default 20)")
      ->check(CLI::NonNegativeNumber);
  c->add_flag("--trace", next.trace, "also what each stage did to each token");

  const char* spec_help = "settings in a dialect: 'dialect=llama.cpp,temperature=0.5,top_p=0.8'";
  c = command("compare", "two settings on the same logits, side by side", [&] { return RunCompare(common, compare); });
  AddModel(*c, common), AddLogits(*c, compare.source, &common.prompt), AddJson(*c, common);
  c->add_option("--a", compare.a, spec_help)->required();
  c->add_option("--b", compare.b, spec_help)->required();
  c->add_option("--top", compare.top, "rows to show, 0 = the whole vocabulary (default 20)")->check(CLI::NonNegativeNumber);

  c = command("translate", "the settings of another dialect that come closest", [&] { return RunTranslate(common, translate); });
  AddModel(*c, common), AddLogits(*c, translate.source, &common.prompt), AddJson(*c, common);
  c->add_option("--from", translate.from, spec_help)->required();
  c->add_option("--to", translate.to, "the dialect to say it in")->required();

  c = command("code", "the settings as code for other engines", [&] { return RunCode(common, code); });
  AddModel(*c, common), AddLogits(*c, code.source, &common.prompt), AddSampler(*c, common.sampler, dialect, given), AddJson(*c, common);
  c->add_option("--to", code.to, "llama.cpp, transformers, vllm, ollama or openai (default: all)");

  c = command("dialects", "what each engine makes of its settings", [&] { return RunDialects(common); });
  AddJson(*c, common);

  c = command("generate", "continue a text", [&] { return RunGenerate(common, n_tokens); });
  AddModel(*c, common), AddPrompt(*c, common), AddSampler(*c, common.sampler, dialect, given), AddJson(*c, common);
  c->add_option("-n,--n-predict", n_tokens, "tokens to add at most (default 64)")->check(CLI::NonNegativeNumber);

  c = command("score", "how surprised the model is by a text", [&] { return RunScore(common, argument); });
  AddModel(*c, common), AddJson(*c, common);
  c->add_option("FILE", argument, "text file, - for standard input")->required();

  c = command("tokenize", "a text as tokens", [&] { return RunTokenize(common, argument); });
  AddModel(*c, common), AddJson(*c, common);
  AddSpecial(*c, common);
  c->add_option("TEXT,-p,--prompt", argument, "the text, - for standard input")->required();

  c = command("detokenize", "token ids as text", [&] { return RunDetokenize(common, argument); });
  AddModel(*c, common), AddJson(*c, common);
  c->add_option("IDS", argument, "1,2,3")->required();

  c = command("logits", "write a prompt's logits to a file", [&] { return RunLogits(common, logits); });
  AddModel(*c, common), AddJson(*c, common);
  CLI::Option* prompt = c->add_option("-p,--prompt", common.prompt, "the text to continue")->type_name("TEXT");
  c->add_option("--tokens", logits.tokens, "the same as token ids, exactly these")->type_name("ID,ID,...")->excludes(prompt);
  AddChat(*c, common);
  c->add_option("-o,--output", logits.output, "the file to write, NumPy's .npy")->required();
  c->add_flag("--all", logits.all, "after every token, not only the last");

  c = command("lens", "what each layer would say next", [&] { return RunLens(common, lens_top); });
  AddModel(*c, common), AddPrompt(*c, common), AddJson(*c, common);
  c->add_option("--top", lens_top, "tokens a layer (default 5)")->check(CLI::Range(1, 1000));

  c = command("bench", "how fast a model runs here", [&] { return RunBench(common, bench); });
  AddModel(*c, common), AddJson(*c, common);
  c->add_option("-p,--n-prompt", bench.prompt, "tokens of prompt (default 256)")->check(CLI::Range(1, 1 << 24));
  c->add_option("-n,--n-gen", bench.decode, "tokens to decode (default 64)")->check(CLI::NonNegativeNumber);
  c->add_option("-r,--repetitions", bench.repeats, "runs, of which the median counts (default 3)")->check(CLI::Range(1, 1000));

  c = command("inspect", "what is in a GGUF file", [&] { return RunInspect(common, argument, list_tensors); });
  AddJson(*c, common);
  c->add_flag("--tensors", list_tensors, "each tensor: its type, shape, size and place");
  c->add_option("FILE", argument, "GGUF file, or a listed name (default: the shipped model)");
  c->add_option("-m,--model", argument, "the same");

  c = command("pull", "fetch a GGUF file from the hub", [&] { return RunPull(common, argument); });
  AddJson(*c, common);
  c->add_option("WHAT", argument, "OWNER/REPO[:FILE][@REVISION]")->required();

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
  if (const Status valid = ReadSampler(common, dialect, given); !valid.ok()) {
    return Complain(Error{valid.error().code, valid.error().message, ""}, kUsage);  // the message names the setting
  }
  const Status status = run();
  if (!status.ok()) return Complain(status.error(), kFailed);
  if (std::fflush(stdout) != 0) return Complain(Error{ErrorCode::kIo, "the output could not be written", ""}, kFailed);
  return 0;
}

}  // namespace lp
