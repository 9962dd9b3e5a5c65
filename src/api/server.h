#pragma once
// The API's server: Operations as JSON over HTTP/1.1 on a Unix socket, and on loopback TCP with a
// token where asked for. One thread per connection, their number bounded.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "api/http.h"
#include "api/json.h"
#include "base/result.h"
#include "control/operations.h"

namespace ecluse::api {

struct TcpAccess {
  std::string address = "127.0.0.1";  ///< loopback only
  std::uint16_t port = 0;             ///< 0: any; see Server::tcp_port()
  std::string token;                  ///< "Authorization: Bearer TOKEN"; at least 16 characters
};

struct ServerOptions {
  std::filesystem::path socket;  ///< 0660; who may open it may do everything
  std::optional<TcpAccess> tcp;
  std::size_t connections_max = 64;  ///< more are answered 503 and closed
  HttpBounds bounds;
  Redactor redact;
  std::string data = {};  ///< the daemon's data folder, told by ping
};

/// Serves from start() until stop() or destruction. `operations` must outlive it.
class Server {
 public:
  /// Conflict when another server answers on the socket; a dead one's socket is replaced.
  static Result<std::unique_ptr<Server>> start(control::Operations& operations,
                                               ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t tcp_port() const;
  /// Takes no more requests and waits at most `grace` for those at work. False: some still are
  /// (a `run`, say), and the caller should end the process rather than destroy us.
  bool stop(std::chrono::milliseconds grace);

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// "alice (uid 1000)" of the process on the other end of a Unix socket.
Result<std::string> peer_name(int socket);

}  // namespace ecluse::api
