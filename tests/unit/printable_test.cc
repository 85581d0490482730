#include "base/printable.h"

#include <gtest/gtest.h>

namespace cachechain {
namespace {

TEST(Printable, LeavesTextAndReplacesTheRest) {
  EXPECT_EQ(printable(""), "");
  EXPECT_EQ(printable("no connection to db-1"), "no connection to db-1");
  EXPECT_EQ(printable("größer \xe2\x82\xac \xf0\x9f\x98\x80"), "größer \xe2\x82\xac \xf0\x9f\x98\x80");
  EXPECT_EQ(printable(std::string_view("a\0b\nc\x7f", 6)), "a b c ");
  EXPECT_EQ(printable("\xff\xc3"), "??");
  EXPECT_EQ(printable("\xc0\xaf"), "??");            // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "???");       // a surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "????");  // past the last plane
  EXPECT_EQ(printable("\xe2\x82"), "??");            // cut
}

}  // namespace
}  // namespace cachechain
