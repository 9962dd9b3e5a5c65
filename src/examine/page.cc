#include "examine/page.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>

namespace ecluse::examine {

namespace {
constexpr std::size_t kBodyBytesMax = 256 << 10;

struct CurlFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

/// Keeps the beginning; a longer body ends the transfer, and its status is known by then.
std::size_t keep(char* bytes, std::size_t, std::size_t count, void* body) {
  auto& text = *static_cast<std::string*>(body);
  text.append(bytes, std::min(count, kBodyBytesMax - text.size()));
  return text.size() < kBodyBytesMax ? count : 0;
}
}  // namespace

Page get(const PageRequest& request) {
  const std::unique_ptr<CURL, CurlFree> handle(curl_easy_init());
  if (!handle) return {};
  auto* const h = handle.get();
  Page page;
  const auto url = fmt::format("http://{}:{}{}", request.address, request.port, request.path);
  const auto host = "Host: " + request.host;
  std::unique_ptr<curl_slist, CurlFree> headers(curl_slist_append(nullptr, host.c_str()));
  headers.reset(curl_slist_append(headers.release(), "X-Forwarded-Proto: https"));
  curl_easy_setopt(h, CURLOPT_URL, url.c_str());
  curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(h, CURLOPT_PROXY, "");  // the environment's proxy is for the outside world
  curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, keep);
  curl_easy_setopt(h, CURLOPT_WRITEDATA, &page.body);
  const auto code = curl_easy_perform(h);
  long status = 0;
  curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
  // Partly received is received: what it begins with was asked for.
  if (code == CURLE_OK || code == CURLE_WRITE_ERROR) page.status = static_cast<int>(status);
  return page;
}

}  // namespace ecluse::examine
