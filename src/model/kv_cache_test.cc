// The tree of keys and values: what is kept, what is shared, what goes; and that none of it shows in a logit.
#include "model/kv_cache.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>
#include <set>

#include "model/model.h"
#include "support/random_model.h"

namespace lp {
namespace {

using testing::RandomModel;
using Path = std::vector<TokenId>;

struct Loaded {
  explicit Loaded(const RandomModel& spec) : bytes(spec.Build()) {
    file = std::make_unique<GgufFile>(std::move(GgufFile::Parse(bytes)).value());
    model = std::move(Model::Load(*file)).value();
  }
  // The path's tokens that the cache does not hold are evaluated; returns how many. last: their last one's logits.
  size_t Go(KvCache& cache, const Path& path, std::vector<float>* last = nullptr, size_t threads = 1) const {
    ThreadPool pool(threads);
    std::vector<float> logits(model->config().n_vocab);
    const size_t known = cache.Follow(std::span(path).first(path.size() - (last != nullptr ? 1 : 0)));
    EXPECT_TRUE(model->Evaluate(std::span(path).subspan(known), cache, last != nullptr ? 1 : 0, logits, pool).ok());
    EXPECT_EQ(cache.size(), path.size());
    if (last != nullptr) *last = logits;
    return path.size() - known;
  }
  testing::Bytes bytes;
  std::unique_ptr<GgufFile> file;
  std::unique_ptr<Model> model;
};

TEST(KvCache, RewindingForkingAndReturningComputeNothing) {
  const Loaded loaded(RandomModel{.seed = 61});
  KvCache cache(loaded.model->config(), 40, 200);
  EXPECT_EQ(loaded.Go(cache, {1, 2, 3, 4, 5}), 5u);
  EXPECT_EQ(loaded.Go(cache, {1, 2, 3}), 0u);        // rewound
  EXPECT_EQ(loaded.Go(cache, {1, 2, 3, 6, 7}), 2u);  // forked: pays for what is new
  EXPECT_EQ(loaded.Go(cache, {1, 2, 3, 4, 5}), 0u);  // and the other branch is still there
  EXPECT_EQ(loaded.Go(cache, {1, 2, 3, 6, 7, 8}), 1u);
  EXPECT_EQ(loaded.Go(cache, {2, 2, 3}), 3u);  // the same tokens after another one are others
  EXPECT_EQ(cache.n_held(), 5u + 3 + 3);       // distinct tokens only
  cache.Truncate(0);
  EXPECT_EQ(loaded.Go(cache, {1, 2, 3, 6, 7, 8}), 0u);
  std::vector<float> logits;
  EXPECT_EQ(loaded.Go(cache, {1, 2, 3, 4, 5}, &logits), 1u);  // logits of a token held: that token again, no new slot
  EXPECT_EQ(cache.n_held(), 11u);
}

TEST(KvCache, TheBranchLeastRecentlyUsedGoesFromItsTip) {
  const Loaded loaded(RandomModel{.seed = 62});
  KvCache cache(loaded.model->config(), 10, 12);  // evicts one token at a time
  loaded.Go(cache, {1, 2, 3, 4});
  loaded.Go(cache, {1, 2, 5, 6});
  loaded.Go(cache, {7, 8, 9, 10});
  loaded.Go(cache, {1, 2, 3, 4});  // young again
  EXPECT_EQ(cache.n_held(), 10u);
  loaded.Go(cache, {11, 12, 13});  // one too many: the tip of 1 2 5 6 goes
  EXPECT_EQ(cache.n_held(), 12u);
  EXPECT_EQ(cache.Follow(Path{1, 2, 5, 6}), 3u);
  EXPECT_EQ(cache.Follow(Path{1, 2, 3, 4}), 4u);
  EXPECT_EQ(cache.Follow(Path{7, 8, 9, 10}), 4u);
  EXPECT_EQ(cache.Follow(Path{11, 12, 13}), 3u);
}

TEST(KvCache, APathAsLongAsTheContextAlwaysFits) {
  const Loaded loaded(RandomModel{.seed = 63});
  KvCache cache(loaded.model->config(), 20, 0);  // no room for a second one
  for (TokenId first = 0; first < 5; ++first) {
    Path path(20, 3);
    path[0] = first;
    EXPECT_EQ(loaded.Go(cache, path), 20u);
    EXPECT_EQ(cache.n_held(), 20u);
  }
  Path fork(20, 3);
  fork[0] = 4;
  fork[15] = 7;
  EXPECT_EQ(loaded.Go(cache, fork), 5u);  // evicts what it left, not what it stands on
  EXPECT_EQ(cache.n_held(), 20u);
}

// A plain model of the promise: with room for everything, what is held is exactly the set of prefixes ever evaluated.
TEST(KvCache, HoldsExactlyThePrefixesSeenWhileThereIsRoom) {
  const Loaded loaded(RandomModel{.seed = 64});
  KvCache cache(loaded.model->config(), 30, 5000);
  std::mt19937 rng(65);
  std::set<Path> seen;
  Path path = {0};
  for (int round = 0; round < 120; ++round) {
    path.resize(1 + rng() % path.size());
    for (size_t n = rng() % 4; n > 0 && path.size() < 30; --n) path.push_back(static_cast<TokenId>(rng() % 3));
    size_t fresh = 0;
    for (size_t n = 1; n <= path.size(); ++n)
      fresh += seen.emplace(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(n)).second;
    ASSERT_EQ(loaded.Go(cache, path), fresh) << round;
    ASSERT_EQ(cache.n_held(), seen.size()) << round;
  }
}

// The promise itself: random trees, budgets from "one path" to "everything", splits and threads; a path's logits are
// the bits a cache that never saw anything else gives. Mutations: hand out a slot that is still held; read a run past
// its slab -> red.
TEST(KvCache, NoRouteShowsInTheLogits) {
  for (const RandomModel& spec :
       {RandomModel{.seed = 66}, RandomModel{.n_embd = 160, .n_head = 5, .n_kv_head = 5, .n_ff = 416, .seed = 67}}) {
    const Loaded loaded(spec);
    std::map<Path, std::vector<float>> expected;  // by a cache of its own each
    size_t evaluated = 0, reused = 0;
    for (const size_t budget : {0u, 100u, 130u, 3000u}) {
      std::mt19937 rng(68);
      KvCache cache(loaded.model->config(), 90, budget);
      Path path = {0};
      for (int round = 0; round < 60; ++round) {
        path.resize(1 + rng() % path.size());
        for (size_t n = rng() % 70; n > 0 && path.size() < 90; --n) path.push_back(static_cast<TokenId>(rng() % 2));
        if (rng() % 3 == 0)
          loaded.Go(cache, Path(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(path.size() / 2 + 1)));
        std::vector<float> logits;
        const size_t n = loaded.Go(cache, path, &logits, 1 + rng() % 4);
        evaluated += n;
        reused += path.size() - n;
        auto& reference = expected[path];
        if (reference.empty()) {
          KvCache fresh(loaded.model->config(), path.size());
          loaded.Go(fresh, path, &reference, 1);
        }
        ASSERT_EQ(0, std::memcmp(logits.data(), reference.data(), logits.size() * sizeof(float)))
            << "budget " << budget << ", round " << round << ", " << path.size() << " tokens";
        ASSERT_LE(cache.n_held(), cache.budget());
      }
    }
    EXPECT_GT(evaluated, 1000u);
    EXPECT_GT(reused, 1000u);  // else nothing was tested
  }
}

}  // namespace
}  // namespace lp
