#include "base/html.h"

#include <gtest/gtest.h>

namespace ecluse {
namespace {

TEST(Html, LetsNoTextBecomeMarkup) {
  EXPECT_EQ(html_escaped(R"(<b class="x">a & b</b>)"),
            "&lt;b class=&quot;x&quot;&gt;a &amp; b&lt;/b&gt;");
}

TEST(Html, LeavesOtherTextAlone) {
  EXPECT_EQ(html_escaped("l'écluse 3/4"), "l'écluse 3/4");
}

}  // namespace
}  // namespace ecluse
