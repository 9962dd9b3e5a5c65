#pragma once
// One long-lived WebSocket that echoes messages. Closed with 1012 (a drain) it opens again at once
// and sends again what was not echoed: that is not a loss. Any other end is.

#include <deque>
#include <optional>

#include "answer.h"
#include "frame.h"
#include "wire.h"

namespace ecluse::load {

class Session : public Wire {
 public:
  Session(Poller& poller, const Target& target, Tally& tally, std::string path, Micros timeout)
      : Wire(poller, target),
        tally_(tally),
        host_(target.host),
        path_(std::move(path)),
        timeout_(timeout) {}

  /// Sends a message, or keeps it until the WebSocket is open.
  void say(Request request);
  /// Opens what is not open, and gives up messages that waited too long.
  void tick(Micros now, std::uint64_t& next_id);
  /// Ends it as a client should, once everything is echoed; then it stays closed.
  void stop() { stopping_ = true; }
  bool finished() const { return stopping_ && !session_ && waiting_.empty() && said_.empty(); }

 private:
  void on_bytes(std::string_view bytes) override;
  void on_end(int error) override;

  void dial(Micros now, std::uint64_t& next_id);
  void on_handshake();
  void on_frame(const Frame& frame);
  void on_echo(const Frame& frame);
  void on_close_frame(const Frame& frame);
  void say_waiting();
  void expire(std::deque<Request>& requests, Micros now);
  void end_well(std::string_view farewell);
  void end_badly(Loss loss);

  Tally& tally_;
  const std::string& host_;
  std::string path_;
  Micros timeout_;
  std::optional<Request> session_;  ///< the handshake's request, in flight as long as the session
  bool upgraded_ = false;
  bool stopping_ = false;
  Micros dial_at_ = 0;
  AnswerReader answer_;
  FrameReader frames_;
  std::deque<Request> waiting_;  ///< not sent yet
  std::deque<Request> said_;     ///< sent, not echoed yet, in order
};

}  // namespace ecluse::load
