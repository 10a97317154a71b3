#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/median.h"
#include "base/random.h"
#include "cli/model_commands.h"
#include "engine/token_cost.h"
#include "wire/wire.h"

namespace lp {
namespace {

using Clock = std::chrono::steady_clock;
double Seconds(Clock::duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

Status RunBench(const CommonOptions& common, const BenchOptions& options) {
  const auto opening = Clock::now();
  LP_ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, OpenEngine(common));
  const double load = Seconds(Clock::now() - opening);
  const ModelInfo& info = engine->info();
  const size_t n = options.prompt + options.decode;
  if (n > info.context_length) {
    return Error{ErrorCode::kOutOfRange,
                 fmt::format("{} tokens do not fit this model's context of {}; use fewer, or --ctx-size", n, info.context_length), "-n"};
  }
  std::vector<double> prompt_speed, decode_speed;
  std::vector<TokenId> context;
  std::string hash;
  uint64_t position = 0;
  const auto random_id = [&] { return static_cast<TokenId>(UniformAt(1, position++) * static_cast<double>(info.n_vocab)); };
  const Progress progress("run", "runs");
  for (size_t run = 0; run <= options.repeats; ++run) {  // the first warms up and is not counted
    progress.Show(run, options.repeats + 1);
    context.clear();
    while (context.size() < options.prompt) context.push_back(random_id());
    auto start = Clock::now();
    LP_ASSIGN_OR_RETURN(const Evaluation first, engine->Evaluate(context));
    const double prompt = Seconds(Clock::now() - start);
    hash = first.logits->hash();
    start = Clock::now();
    for (size_t i = 0; i < options.decode; ++i) {
      context.push_back(random_id());
      LP_ASSIGN_OR_RETURN(const Evaluation next, engine->Evaluate(context));
      if (i + 1 == options.decode) hash = next.logits->hash();
    }
    const double decode = Seconds(Clock::now() - start);
    if (run == 0) {
      engine->FinishCopying();
      continue;
    }
    prompt_speed.push_back(static_cast<double>(options.prompt) / prompt);
    if (options.decode > 0) decode_speed.push_back(static_cast<double>(options.decode) / decode);
  }
  progress.Clear();
  const double prompts = Median(prompt_speed), decodes = decode_speed.empty() ? 0 : Median(decode_speed);
  TokenCost cost;
  if (options.decode > 0) {
    LP_ASSIGN_OR_RETURN(cost, MeasureTokenCost(info.file, engine->weights_are_copied(), engine->n_threads(), context, std::min<size_t>(options.decode, 16)));
  }
  const double gigabytes = decodes * static_cast<double>(cost.weight_bytes) / 1e9;
  if (common.json) {
    fmt::print("{}\n", Dump({{"model", info.name}, {"quantization", info.quantization}, {"threads", engine->n_threads()},
                             {"load_s", load}, {"prompt_tokens", options.prompt}, {"decode_tokens", options.decode},
                             {"repeats", options.repeats}, {"prompt_tokens_per_s", prompts}, {"decode_tokens_per_s", decodes},
                             {"decode_gb_per_s", gigabytes}, {"weight_bytes_per_token", cost.weight_bytes},
                             {"layer_ms", cost.layer_ms}, {"head_ms", cost.head_ms}, {"logits_hash", hash}}, 1));
    return Ok();
  }
  fmt::print("{} | {} | {:.1f} M parameters | {} threads | opened in {:.0f} ms\n", info.name, info.quantization,
             static_cast<double>(info.n_parameters) / 1e6, engine->n_threads(), load * 1e3);
  fmt::print("prompt of {:>4} tokens  {:>9.1f} tokens/s\n", options.prompt, prompts);
  if (options.decode > 0) {
    const auto [least, most] = std::minmax_element(cost.layer_ms.begin(), cost.layer_ms.end());
    fmt::print("decode of {:>4} tokens  {:>9.1f} tokens/s   {:.2f} GB/s of weights read\n", options.decode, decodes, gigabytes);
    fmt::print("a token: {} layers of {:.3f} ms ({:.3f} to {:.3f}), output {:.3f} ms\n", cost.layer_ms.size(), Median(cost.layer_ms),
               *least, *most, cost.head_ms);
  }
  fmt::print("logits {} | medians of {} runs\n", hash, options.repeats);
  return Ok();
}

}  // namespace lp
