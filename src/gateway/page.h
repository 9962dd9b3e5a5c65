#pragma once
// The answers the gateway gives itself: never an empty one, never a word about the inside.

#include <string>
#include <string_view>

namespace ecluse::gateway {

/// The standard reason of a status, "Service Unavailable".
std::string_view reason_of(int status);

/// What a person reads when the app cannot answer.
struct Page {
  int status = 503;
  std::string_view title;
  std::string_view text;
  int retry_after_s = 0;    ///< 0: not said
  std::string_view html{};  ///< the app's own document instead of ours; must outlive the page
};
Page page_of(int status);
Page maintenance_page();
/// What a health path hears while the site's requests are held.
Page held_but_well_page();
Page nothing_deployed_page();
Page unknown_host_page();

/// A small HTML document without anything to fetch.
std::string html_of(const Page& page);

}  // namespace ecluse::gateway
