#include "engine/logits_memory.h"

#include <gtest/gtest.h>

namespace lp {
namespace {

using Path = std::vector<TokenId>;

LogitsHandle One(float x) { return std::make_shared<Logits>(1, x); }

TEST(LogitsMemory, ThePathUsedLongestAgoIsForgotten) {
  LogitsMemory memory(2);
  memory.Remember(Path{1}, One(1));
  memory.Remember(Path{1, 2}, One(2));
  ASSERT_NE(memory.Recall(Path{1}), nullptr);  // used again: now [1, 2] is the older one
  memory.Remember(Path{2, 1}, One(3));
  EXPECT_EQ(memory.Recall(Path{1, 2}), nullptr);
  ASSERT_NE(memory.Recall(Path{1}), nullptr);
  EXPECT_EQ(memory.Recall(Path{1})->front(), 1);
  EXPECT_EQ(memory.Recall(Path{2, 1})->front(), 3);
  EXPECT_EQ(memory.Recall(Path{}), nullptr);
}
// Mutation: no splice in Recall -> red.

TEST(LogitsMemory, APathIsHeldOnce) {
  LogitsMemory memory(2);
  for (const float x : {1.0f, 2.0f, 3.0f}) memory.Remember(Path{7}, One(x));
  memory.Remember(Path{8}, One(4));
  EXPECT_EQ(memory.Recall(Path{7})->front(), 3);
  EXPECT_EQ(memory.Recall(Path{8})->front(), 4);
}

TEST(LogitsHash, IsFnv1aOfTheBits) {
  EXPECT_EQ(LogitsHash({}), "cbf29ce484222325");  // the offset basis
  EXPECT_EQ(LogitsHash(std::vector<float>{1.0f}), "4b72477f9c5c2f98");  // of 00 00 80 3f, by a Python of three lines
  EXPECT_EQ(One(1)->hash(), "4b72477f9c5c2f98");
  EXPECT_NE(LogitsHash(std::vector<float>{0.0f}), LogitsHash(std::vector<float>{-0.0f}));
}

}  // namespace
}  // namespace lp
