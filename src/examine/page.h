#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace ecluse::examine {

struct Page {
  int status = 0;    ///< 0: no answer
  std::string body;  ///< its beginning, at most 256 KiB
};

struct PageRequest {
  std::string address;
  std::uint16_t port = 0;
  std::string host;
  std::string path = "/";
  std::chrono::milliseconds timeout{5000};
};

/// One GET, as a browser behind a gateway with TLS would make it; no redirect is followed.
/// Blocking.
Page get(const PageRequest& request);

}  // namespace ecluse::examine
