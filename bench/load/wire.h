#pragma once
// One non-blocking connection to the target: connects, sends what it is given, hands over what it
// reads, and says why it ended. What the bytes mean is for the class that derives from it.

#include <string>
#include <string_view>

#include "poller.h"
#include "target.h"

namespace ecluse::load {

class Wire : public Watched {
 public:
  Wire(Poller& poller, const Target& target) : poller_(poller), target_(target) {}
  ~Wire() override { close(); }

  Micros connected_at() const { return connected_at_; }
  bool open() const { return static_cast<bool>(fd_); }

 protected:
  enum class Reading { kEager, kPaced };  ///< paced: only when read_some() is called

  /// False when it failed at once; on_end() was told.
  bool connect(Reading reading, int receive_bytes = 0);
  void send(std::string_view bytes);
  void close();
  /// Reads at most `bytes_max` now.
  void read_some(std::size_t bytes_max);

  virtual void on_bytes(std::string_view bytes) = 0;
  /// The connection ended by itself; `error` is an errno, 0 a clean end. The descriptor is closed.
  virtual void on_end(int error) = 0;

 private:
  void on_ready(std::uint32_t events) override;
  void finish_connecting();
  void write_pending();
  void end(int error);
  void watch();

  Poller& poller_;
  const Target& target_;
  os::Fd fd_;
  bool connecting_ = false;
  Reading reading_ = Reading::kEager;
  std::string pending_;
  Micros connected_at_ = 0;
};

}  // namespace ecluse::load
