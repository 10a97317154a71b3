// Random logits, histories and chains: ties, masks, extremes, off settings and wide open ones on purpose.
#pragma once

#include <random>

#include "sampling/stages.h"

namespace lp::testing {

class RandomCase {
 public:
  explicit RandomCase(uint64_t seed) : random_(seed) {}

  size_t Below(size_t n) { return n == 0 ? 0 : random_() % n; }
  double Uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(random_() >> 11) * 0x1p-53;
  }
  bool Chance(double p) { return Uniform(0, 1) < p; }
  template <class T>
  T OneOf(std::initializer_list<T> values) {
    return *(values.begin() + Below(values.size()));
  }

  // Smooth, peaked or masked; in a quarter of the cases on a grid, so that logits tie, and in a few with numbers from
  // the ends of float32, which some frameworks mask with.
  std::vector<float> Logits(size_t n) {
    std::normal_distribution<double> normal(0, OneOf({0.1, 1.0, 3.0, 10.0, 60.0}));
    const double offset = OneOf({0.0, 0.0, -150.0, 40.0}), step = OneOf({0.0, 0.0, 0.25, 1.0});
    const bool peaked = Chance(0.3), masked = Chance(0.2), zipf = Chance(0.2), extreme = Chance(0.05);
    has_ties_ = step > 0;
    std::vector<float> x(n);
    for (float& v : x) {
      double y = normal(random_) + offset;
      if (step > 0) y = std::round(y / step) * step;  // ties
      v = masked && Chance(0.3) ? -std::numeric_limits<float>::infinity() : static_cast<float>(y);
    }
    if (zipf) {
      for (size_t i = 0; i < n; ++i)
        x[i] = static_cast<float>(offset - Uniform(1, 1.3) * std::log(static_cast<double>(i + 1)));
    }
    if (extreme) {
      const float most = std::numeric_limits<float>::max();
      for (size_t i = 1 + Below(4); i > 0; --i)
        x[Below(n)] = OneOf({most, -most, 3e38f, -3e38f, 1e30f, -1e30f, 1e4f, -1e4f, 1e-45f, -0.0f});
      has_ties_ = true;
    }
    if (peaked) x[Below(n)] = static_cast<float>(offset + Uniform(5, 200));
    if (masked && !zipf) x[Below(n)] = static_cast<float>(offset);  // never all of them
    return x;
  }
  bool has_ties() const { return has_ties_; }  // in the logits last made: some, on purpose
  std::vector<TokenId> History(size_t n_vocab) {
    std::vector<TokenId> ids(Chance(0.2) ? 0 : Below(40));
    const size_t few = 1 + Below(std::min<size_t>(n_vocab, 12));  // repetitions
    for (TokenId& id : ids) id = Id(few);
    return ids;
  }
  TokenId Id(size_t n_vocab) { return static_cast<TokenId>(Below(n_vocab)); }
  std::vector<TokenId> Ids(size_t n_vocab, size_t at_most) {
    std::vector<TokenId> ids(1 + Below(at_most));
    for (TokenId& id : ids) id = Id(n_vocab);
    return ids;
  }
  Scope AnyScope() {
    Scope scope{.last_n = OneOf<int64_t>({-1, -1, 0, 1, 5, 64})};
    if (Chance(0.2))
      scope.output_only = true;
    else if (Chance(0.1))
      scope.prompt_only = true;
    return scope;
  }
  int64_t MinKeep() { return OneOf<int64_t>({0, 1, 1, 1, 2, 7}); }
  double Far() { return Chance(0.03) ? OneOf({3e38, -3e38, 1e39, 1e300}) : Uniform(-2, 2); }
  double Share() { return Chance(0.1) ? OneOf({1e-9, 0.5, 0.999999}) : Uniform(0, 1); }

  Stage AnyStage(size_t v) {
    switch (Below(std::variant_size_v<Stage>)) {
      case 0: {
        LogitBias s;
        for (size_t i = 0; i < 1 + Below(3); ++i)
          s.bias.emplace_back(Id(v), Chance(0.2)    ? -std::numeric_limits<float>::infinity()
                                     : Chance(0.02) ? -3e38f
                                                    : static_cast<float>(Uniform(-9, 9)));
        return s;
      }
      case 1: {
        SequenceBias s;
        for (size_t i = 0; i < 3; ++i)
          s.bias.emplace_back(Ids(std::min<size_t>(v, 6), 3), static_cast<float>(Uniform(-9, 9)));
        return s;
      }
      case 2:
        return AllowedTokens{Ids(v, 2 * v)};
      case 3:
        return BannedTokens{Ids(v, 4), OneOf<int64_t>({-1, 0, 3})};
      case 4:
        return BadWords{{Ids(std::min<size_t>(v, 6), 3), Ids(v, 1)}, Chance(0.3)};
      case 5:
        return RepetitionPenalty{Chance(0.03) ? OneOf({1e39, 1e300, 1e-50}) : OneOf({1.0, 1.1, 1.3, 2.0, 0.7}),
                                 AnyScope(), Chance(0.2)};
      case 6:
        return PresencePenalty{Far(), AnyScope()};
      case 7:
        return FrequencyPenalty{Far(), AnyScope()};
      case 8:
        return Dry{Uniform(0, 2),
                   Chance(0.05) ? 1e20 : Uniform(1, 2),
                   OneOf<int64_t>({0, 1, 2, 3}),
                   AnyScope(),
                   {Ids(std::min<size_t>(v, 12), 2)}};
      case 9:
        return NoRepeatNgram{OneOf<int64_t>({0, 1, 2, 3}), AnyScope()};
      case 10:
        return LogSoftmax{};
      case 11:
        return Temperature{Chance(0.05) ? OneOf({1e-50, 1e-40, 1e-9, 1e9, 1e39})
                                        : OneOf({0.0, 0.01, 0.5, 0.8, 1.0, 1.7, 30.0})};
      case 12: {
        if (Chance(0.05)) return DynamicTemperature{0, 0, 1};
        const double low = Uniform(0, 1);
        return DynamicTemperature{low, low + Uniform(0, 2), Uniform(0.3, 2)};
      }
      case 13:
        return AdaptiveP{OneOf({-1.0, 0.1, 0.5, 0.9}), 0.9, Chance(0.5) ? Uniform(0, 3) : 0.0, Chance(0.5) ? 3.0 : 0.0};
      case 14:
        return TopK{OneOf<int64_t>({0, 1, 2, 5, 40, 1000}), OneOf({Ties::kLowerId, Ties::kKeepAll}), MinKeep()};
      case 15:
        return TopP{
            Share(), OneOf({MassRule::kBeforeLess, MassRule::kBeforeLessOrEqual, MassRule::kThroughLessOrEqual}),
            OneOf({MassArithmetic::kExact, MassArithmetic::kFloat32Descending, MassArithmetic::kFloat32Ascending,
                   MassArithmetic::kFloat32AscendingFloat32P, MassArithmetic::kFloat32DescendingBefore}),
            MinKeep()};
      case 16:
        return MinP{OneOf({0.0, 1e-300, 0.001, 0.05, 0.3, 1.0, Uniform(0, 1)}), Chance(0.5), MinKeep()};
      case 17:
        return TypicalP{Share(),
                        OneOf({MassRule::kBeforeLess, MassRule::kBeforeLessOrEqual, MassRule::kThroughLessOrEqual}),
                        OneOf({Ties::kLowerId, Ties::kKeepAll}), MinKeep()};
      case 18:
        return TopNSigma{OneOf({-1.0, 0.5, 1.0, 2.0, 1e6}), MinKeep()};
      case 19:
        return EpsilonCutoff{OneOf({0.0, 1e-300, 1e-4, 0.01, 0.3, 1.0}), MinKeep()};
      case 20:
        return EtaCutoff{OneOf({0.0, 1e-4, 0.01, 0.3}), MinKeep()};
      case 21:
        return TopA{Uniform(0, 1), MinKeep()};
      case 22:
        return TopH{Uniform(0.1, 1), MinKeep(), OneOf<int64_t>({0, 0, 3, 100})};
      case 23:
        return TailFree{Uniform(0.1, 1), MinKeep()};
      case 24:
        return Xtc{Uniform(0, 1), Chance(0.1) ? OneOf({0.0, 1e-300, 0.5}) : Uniform(0, 0.6), MinKeep()};
      case 25:
        return Mirostat1{Uniform(0.5, 8), 0.1, OneOf<int64_t>({2, 10, 100}), OneOf({-1.0, 3.0})};
      case 26:
        return Mirostat2{Uniform(0.5, 8), 0.1, OneOf({-1.0, 3.0})};
      default:
        return Greedy{};
    }
  }
  Chain AnyChain(size_t n_vocab) {
    Chain chain{.seed = random_()};
    for (size_t i = Below(6) + 1; i > 0; --i) chain.stages.push_back(AnyStage(n_vocab));
    return chain;
  }

 private:
  std::mt19937_64 random_;
  bool has_ties_ = false;
};

}  // namespace lp::testing
