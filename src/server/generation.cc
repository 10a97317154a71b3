#include "server/generation.h"

#include <chrono>
#include <thread>

#include "base/str_cat.h"
#include "sampling/draw.h"

namespace lp {
namespace {

std::string Event(std::string_view name, const Json& data) { return StrCat("event: ", name, "\ndata: ", Dump(data), "\n\n"); }

// False: nobody listens any more.
bool Wait(size_t milliseconds, const Listening& listening) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::milliseconds(milliseconds);
  while (Clock::now() < end) {
    if (!listening()) return false;
    std::this_thread::sleep_for(std::min<Clock::duration>(end - Clock::now(), std::chrono::milliseconds(20)));
  }
  return listening();
}

}  // namespace

Result<std::unique_ptr<Generation>> Generation::Make(std::shared_ptr<Engine> engine, const Json& request) {
  constexpr size_t kMost = 100000, kLongestDelay = 10000;
  std::unique_ptr<Generation> generation(new Generation(std::move(engine)));
  LP_ASSIGN_OR_RETURN(generation->path_, TakePath(request));
  LP_ASSIGN_OR_RETURN(Sampler sampler, TakeSampler(request, "sampler", generation->engine_->facts()));
  generation->chain_ = std::move(sampler.resolved.chain);
  LP_ASSIGN_OR_RETURN(generation->greedy_, TakeGreedy(request));
  LP_ASSIGN_OR_RETURN(generation->n_, TakeCount(request, "n", 20, 1, kMost));
  LP_ASSIGN_OR_RETURN(generation->delay_ms_, TakeCount(request, "delay_ms", 0, 0, kLongestDelay));
  return generation;
}

Result<Json> Generation::Token(const Listening& listening) {
  const EvalProgress progress = [&](size_t, size_t) { return listening(); };
  LP_ASSIGN_OR_RETURN(const Evaluation evaluation, engine_->Evaluate(path_.tokens, progress));
  auto trace = Trace::Run(*evaluation.logits, path_.step(), chain_);
  if (!trace.ok()) return Under(trace.error(), "/sampler");
  const DrawnToken drawn = Choose(*trace, greedy_);
  Json json = DrawnJson(*engine_, *trace, drawn, greedy_);
  const Metrics m = ComputeMetrics(*trace);
  json["metrics"] = {{"entropy_bits", NatsToBits(m.entropy)},
                     {"perplexity", m.perplexity},
                     {"n_kept", m.n_kept},
                     {"raw_entropy_bits", NatsToBits(m.raw_entropy)},
                     {"top1_prob", m.top1_prob}};
  chain_ = Advance(*trace, drawn.row.id);
  path_.tokens.push_back(drawn.row.id);
  ended_ = engine_->tokenizer().IsEnd(drawn.row.id);
  return json;
}

std::string Generation::Done(const char* reason) {
  done_ = true;
  return Event("done", {{"reason", reason}, {"n", made_}});
}

std::optional<std::string> Generation::Next(const Listening& listening) {
  if (done_ || !listening()) return std::nullopt;
  if (ended_) return Done("end_of_text");
  if (made_ == n_) return Done("length");
  if (path_.tokens.size() > engine_->info().context_length) return Done("context_full");
  if (made_ > 0 && !Wait(delay_ms_, listening)) return std::nullopt;
  const auto token = Token(listening);
  if (!token.ok()) {
    done_ = true;
    if (token.error().code == ErrorCode::kCancelled) return std::nullopt;
    return Event("error", ErrorJson(token.error()));
  }
  ++made_;
  return Event("token", *token);
}

}  // namespace lp
