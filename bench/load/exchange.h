#pragma once
// One HTTP connection that carries one request at a time.

#include <functional>
#include <optional>

#include "answer.h"
#include "wire.h"

namespace ecluse::load {

class Exchange : public Wire {
 public:
  Exchange(Poller& poller, const Target& target, Tally& tally)
      : Wire(poller, target), tally_(tally), host_(target.host) {}

  /// Sends `request`, over a new connection if there is none yet. Not while busy().
  void start(Request request, Micros deadline);
  /// Reads on if it reads slowly; gives up what is past its deadline.
  void tick(Micros now);

  bool busy() const { return request_.has_value(); }
  /// Ready for another request on the same connection.
  bool reusable() const { return open() && !busy(); }
  Micros idle_since() const { return idle_since_; }

 private:
  void on_bytes(std::string_view bytes) override;
  void on_end(int error) override;
  void finish(Micros now);
  void lose(Loss loss);

  Tally& tally_;
  const std::string& host_;
  std::optional<Request> request_;
  AnswerReader answer_;
  Micros deadline_ = 0;
  Micros idle_since_ = 0;
};

/// The id in the cookie with which `person` comes back.
std::string client_id_of(std::uint32_t person);
/// The bytes of `request` for `host`.
std::string request_bytes(const Request& request, std::string_view host);

}  // namespace ecluse::load
