#include "examine/assets.h"

#include <gtest/gtest.h>

namespace ecluse::examine {
namespace {

using Paths = std::vector<std::string>;

TEST(Assets, AreWhatAPageLoadsFromItsOwnSite) {
  EXPECT_EQ(assets_in(R"(<link href = "/site.css?v=2"><script src='/a/b.js'></script>
                         <img src="/site.css"><img src="//cdn.example/x.png"><a href="/about">)"),
            (Paths{"/site.css", "/a/b.js"}));
}

TEST(Assets, AreTheFirstOfMany) {
  std::string page;
  for (int i = 0; i < 9; ++i) page += "<img src=\"/" + std::to_string(i) + ".png\">";
  EXPECT_EQ(assets_in(page).size(), kAssetsMax);
}

TEST(Assets, OfAPageThatIsOneEndlessPathAreNone) {
  EXPECT_EQ(assets_in("<img src=\"/" + std::string(256 << 10, 'x') + ".png\">"), Paths{});
  EXPECT_EQ(assets_in("<img src" + std::string(256 << 10, ' ') + "=\"/x.png\">"), Paths{});
}

}  // namespace
}  // namespace ecluse::examine
