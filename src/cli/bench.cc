#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/mapped_file.h"
#include "base/random.h"
#include "base/thread_pool.h"
#include "cli/model_commands.h"
#include "gguf/gguf.h"
#include "model/model.h"
#include "wire/wire.h"

namespace lp {
namespace {

using Clock = std::chrono::steady_clock;
double Seconds(Clock::duration d) { return std::chrono::duration<double>(d).count(); }

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

// What one decoded token is made of.
struct TokenCost {
  uint64_t weight_bytes = 0;     // read for it
  std::vector<double> layer_ms;  // medians; the first includes the embedding
  double head_ms = 0;            // final norm and output matrix
};

// All tensors but those of which a token reads one row: a head of its own leaves the embedding to look-ups.
uint64_t BytesPerToken(const GgufFile& file) {
  const bool has_head = file.FindTensor("output.weight") != nullptr;
  uint64_t bytes = 0;
  for (const GgufTensor& tensor : file.tensors()) {
    const bool is_looked_up = tensor.name == "position_embd.weight" || (tensor.name == "token_embd.weight" && has_head);
    if (!is_looked_up) bytes += tensor.data.size();
  }
  return bytes;
}

// Decodes `n` tokens after the others of `context` with a clock in every layer: a model of its own, as the engine shows no layers.
Result<TokenCost> MeasureToken(const std::string& path, size_t n_threads, std::span<const TokenId> context, size_t n) {
  LP_ASSIGN_OR_RETURN(const MappedFile mapped, MappedFile::Open(path));
  LP_ASSIGN_OR_RETURN(const GgufFile file, GgufFile::Parse(mapped.bytes()));
  LP_ASSIGN_OR_RETURN(const std::unique_ptr<Model> model, Model::Load(file));
  ThreadPool pool(n_threads);
  KvCache cache(model->config(), context.size());
  std::vector<float> logits(model->config().n_vocab);
  std::vector<std::vector<double>> layers(model->config().n_layer);  // [n_layer][n]
  std::vector<double> head;
  Clock::time_point last;
  Taps taps;
  taps.residual = [&](size_t layer, std::span<const float>) {
    const auto now = Clock::now();
    layers[layer].push_back(Seconds(now - last) * 1e3);
    last = now;
  };
  LP_RETURN_IF_ERROR(model->Evaluate(context.first(context.size() - n), cache, 1, logits, pool));
  for (size_t i = context.size() - n; i < context.size(); ++i) {
    last = Clock::now();
    LP_RETURN_IF_ERROR(model->Evaluate(context.subspan(i, 1), cache, 1, logits, pool, nullptr, &taps));
    head.push_back(Seconds(Clock::now() - last) * 1e3);
  }
  TokenCost cost;
  cost.weight_bytes = BytesPerToken(file);
  cost.head_ms = Median(head);
  for (const auto& times : layers) cost.layer_ms.push_back(Median(times));
  return cost;
}

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
    hash = LogitsHash(*first.logits);
    start = Clock::now();
    for (size_t i = 0; i < options.decode; ++i) {
      context.push_back(random_id());
      LP_ASSIGN_OR_RETURN(const Evaluation next, engine->Evaluate(context));
      if (i + 1 == options.decode) hash = LogitsHash(*next.logits);
    }
    const double decode = Seconds(Clock::now() - start);
    if (run == 0) continue;
    prompt_speed.push_back(static_cast<double>(options.prompt) / prompt);
    if (options.decode > 0) decode_speed.push_back(static_cast<double>(options.decode) / decode);
  }
  progress.Clear();
  const double prompts = Median(prompt_speed), decodes = decode_speed.empty() ? 0 : Median(decode_speed);
  TokenCost cost;
  if (options.decode > 0) {
    LP_ASSIGN_OR_RETURN(cost, MeasureToken(info.file, engine->n_threads(), context, std::min<size_t>(options.decode, 16)));
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
