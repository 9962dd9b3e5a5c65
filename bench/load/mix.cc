#include "mix.h"

#include <fmt/format.h>

#include <cstdlib>

namespace ecluse::load {

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::kGet:
      return "get";
    case Kind::kNew:
      return "new";
    case Kind::kPost:
      return "post";
    case Kind::kSlow:
      return "slow";
    case Kind::kSlowRead:
      return "slow_read";
    case Kind::kWebSocket:
      return "websocket";
  }
  return "?";
}

Result<void> Mix::add(Kind kind, std::string_view text) {
  Share share{kind, std::string(text), 1};
  if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    const std::string weight(text.substr(colon + 1));
    char* end = nullptr;
    share.path = text.substr(0, colon);
    share.weight = std::strtod(weight.c_str(), &end);
    if (weight.empty() || *end != '\0' || share.weight < 0)
      return fail(ErrorKind::kInvalid, fmt::format("share '{}': expected PATH:WEIGHT", text));
  }
  if (!share.path.starts_with('/'))
    return fail(ErrorKind::kInvalid, fmt::format("path '{}' must start with /", share.path));
  total_ += share.weight;
  shares_.push_back(std::move(share));
  return {};
}

const Share& Mix::pick(Prng& prng) const {
  double at = prng.unit() * total_;
  for (const Share& share : shares_) {
    at -= share.weight;
    if (at < 0) return share;
  }
  return shares_.back();
}

std::string Mix::websocket_path() const {
  for (const Share& share : shares_)
    if (share.kind == Kind::kWebSocket) return share.path;
  return {};
}

}  // namespace ecluse::load
