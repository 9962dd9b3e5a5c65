#pragma once
// shim.sock: one word per line in, lines out. `status`, `stop`, `events` (pushed from then on).

#include <poll.h>

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/fd.h"

namespace ecluse::shim {

class Server {
 public:
  /// Answers one word.
  using Answer = std::function<std::string(const std::string& word)>;

  /// Listens on `folder`/shim.sock, replacing what an earlier shim left there.
  static Result<Server> listen_in(const std::string& folder);

  void add_to(std::vector<pollfd>& polled) const;
  /// Serves whatever poll() found ready; takes descriptors that are not its own calmly.
  void serve(const std::vector<pollfd>& polled, const Answer& answer);
  /// To every client that asked for events. One that does not read is dropped.
  void push(const std::string& line);

 private:
  struct Client {
    os::Fd fd;
    std::string input;
    bool wants_events = false;
  };
  void accept_one();
  bool read_from(Client& client, const Answer& answer);

  os::Fd listener_;
  std::vector<Client> clients_;
};

}  // namespace ecluse::shim
