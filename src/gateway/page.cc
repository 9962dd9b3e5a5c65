#include "gateway/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ecluse::gateway {

namespace {
struct Standard {
  int status;
  std::string_view reason;
  std::string_view text;
  int retry_after_s;
};
constexpr auto kStandard = std::to_array<Standard>({
    {200, "OK", "The site is well.", 0},
    {301, "Moved Permanently", "This page has another address.", 0},
    {308, "Permanent Redirect", "This page has another address.", 0},
    {400, "Bad Request", "The request could not be understood.", 0},
    {401, "Unauthorized", "A user name and a password are needed here.", 0},
    {403, "Forbidden", "This site is not open to your address.", 0},
    {404, "Not Found", "There is nothing at this address.", 0},
    {405, "Method Not Allowed", "A file can only be read.", 0},
    {408, "Request Timeout", "The request took too long to arrive.", 0},
    {412, "Precondition Failed", "The file is another one than the request expects.", 0},
    {413, "Content Too Large", "The request is larger than this server accepts.", 0},
    {414, "URI Too Long", "The address is longer than this server accepts.", 0},
    {429, "Too Many Requests",
     "Your address asks for more than its share. Please try again in a moment.", 1},
    {416, "Range Not Satisfiable", "The file is shorter than the part that was asked for.", 0},
    {417, "Expectation Failed", "The request expects what this server cannot do.", 0},
    {421, "Misdirected Request", "This connection was made for another site.", 0},
    {431, "Request Header Fields Too Large",
     "The head of the request is larger than this server accepts.", 0},
    {500, "Internal Server Error", "The application has failed. Please try again.", 0},
    {501, "Not Implemented", "This server does not do what the request asks for.", 0},
    {502, "Bad Gateway", "The application gave no usable answer. Please try again.", 0},
    {503, "Service Unavailable",
     "The application is not available right now. Please try again in a moment.", 5},
    {504, "Gateway Timeout", "The application took too long to answer. Please try again.", 0},
    {200, "OK", "", 0},
    {505, "HTTP Version Not Supported", "This server does not speak that version of the protocol.",
     0},
});

const Standard& standard_of(int status) {
  const auto* const found = std::ranges::find(kStandard, status, &Standard::status);
  return found == kStandard.end() ? kStandard[3] : *found;
}
}  // namespace

std::string_view reason_of(int status) {
  return standard_of(status).reason;
}

Page page_of(int status) {
  const Standard& standard = standard_of(status);
  return {standard.status, standard.reason, standard.text, standard.retry_after_s};
}

Page maintenance_page() {
  return {503, "Maintenance",
          "This site is being worked on and will be back shortly. Nothing you saved is lost.", 30};
}

Page held_but_well_page() {
  return page_of(200);
}

Page nothing_deployed_page() {
  return {503, "Nothing here yet", "No release of this site has been deployed yet.", 30};
}

Page unknown_host_page() {
  return {404, "Unknown site", "No site with this name is served here.", 0};
}

std::string html_of(const Page& page) {
  if (!page.html.empty()) return std::string(page.html);
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>{0}</title>\n"
      "<style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:20vh auto;"
      "padding:0 1rem;color:#1f2933}}h1{{font-size:1.5rem}}small{{color:#7b8794}}</style>\n"
      "</head>\n<body>\n<h1>{0}</h1>\n<p>{1}</p>\n<p><small>{2}</small></p>\n</body>\n</html>\n",
      page.title, page.text, page.status);
}

}  // namespace ecluse::gateway
