#include "engine/logits_memory.h"

#include <gtest/gtest.h>

namespace lp {
namespace {

using Path = std::vector<TokenId>;

LogitsHandle Logits(float x) { return std::make_shared<std::vector<float>>(1, x); }

TEST(LogitsMemory, ThePathUsedLongestAgoIsForgotten) {
  LogitsMemory memory(2);
  memory.Remember(Path{1}, Logits(1));
  memory.Remember(Path{1, 2}, Logits(2));
  ASSERT_NE(memory.Recall(Path{1}), nullptr);  // used again: now [1, 2] is the older one
  memory.Remember(Path{2, 1}, Logits(3));
  EXPECT_EQ(memory.Recall(Path{1, 2}), nullptr);
  ASSERT_NE(memory.Recall(Path{1}), nullptr);
  EXPECT_EQ(memory.Recall(Path{1})->front(), 1);
  EXPECT_EQ(memory.Recall(Path{2, 1})->front(), 3);
  EXPECT_EQ(memory.Recall(Path{}), nullptr);
}
// Mutation: no splice in Recall -> red.

TEST(LogitsMemory, APathIsHeldOnce) {
  LogitsMemory memory(2);
  for (const float x : {1.0f, 2.0f, 3.0f}) memory.Remember(Path{7}, Logits(x));
  memory.Remember(Path{8}, Logits(4));
  EXPECT_EQ(memory.Recall(Path{7})->front(), 3);
  EXPECT_EQ(memory.Recall(Path{8})->front(), 4);
}

}  // namespace
}  // namespace lp
