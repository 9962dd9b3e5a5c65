#pragma once
// Text inside an HTML page.

#include <string>
#include <string_view>

namespace ecluse {

/// `text` as a page shows it, between tags or within double quotes: no part of it is markup.
std::string html_escaped(std::string_view text);

}  // namespace ecluse
