#include "gateway/hashed_asset.h"

#include <gtest/gtest.h>

namespace ecluse::gateway {

TEST(HashedAsset, IsANameThatSaysWhichBuildItIsOf) {
  for (const char* const path : {"/assets/app-4f3a9c1e.js", "/static/main.8c1f0e2a.chunk.css",
                                 "/_next/x/page-0a1b2c3d4e5f.js", "/app-4f3a9c1e.js?v=2",
                                 "/assets/index-BxT3k9Qz.js", "/a_0123456789abcdef.woff2"}) {
    EXPECT_TRUE(is_hashed_asset(path)) << path;
  }
}

TEST(HashedAsset, IsNotWhatOnlyLooksLong) {
  for (const char* const path :
       {"/", "", "*", "/index.html", "/api/users/4f3a9c1e", "/4f3a9c1e.js", "/photo-20240131.jpg",
        "/background-picture.png", "/app-4f3a9c.js", "/x?file=app-4f3a9c1e.js", "/app-4f3a9c1e"}) {
    EXPECT_FALSE(is_hashed_asset(path)) << path;
  }
}

}  // namespace ecluse::gateway
