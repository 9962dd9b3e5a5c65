#pragma once
// What kinds of requests arrive, and in which shares.

#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"
#include "base/result.h"

namespace ecluse::load {

enum class Kind {
  kGet,       ///< GET on a connection kept alive
  kNew,       ///< GET on a connection of its own, closed afterwards
  kPost,      ///< POST with a body of kPostBytes: nobody may send it twice
  kSlow,      ///< GET of something that takes its time; kept alive
  kSlowRead,  ///< GET whose answer is read slowly
  kWebSocket  ///< one echo over a long-lived WebSocket
};
std::string_view to_string(Kind kind);

struct Share {
  Kind kind = Kind::kGet;
  std::string path = "/";
  double weight = 1;
};

class Mix {
 public:
  /// `text` is PATH or PATH:WEIGHT.
  Result<void> add(Kind kind, std::string_view text);
  const Share& pick(Prng& prng) const;
  bool empty() const { return shares_.empty(); }
  /// The path of the WebSockets, or empty.
  std::string websocket_path() const;

 private:
  std::vector<Share> shares_;
  double total_ = 0;
};

}  // namespace ecluse::load
