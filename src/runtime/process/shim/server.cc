#include "runtime/process/shim/server.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runtime/process/shim/failure.h"

namespace ecluse::shim {

namespace {
constexpr std::size_t kClientsMax = 16;
constexpr std::size_t kWordBytesMax = 256;

bool send_line(int fd, const std::string& line) {
  const std::string bytes = line + "\n";
  return ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
         static_cast<ssize_t>(bytes.size());
}

bool is_ready(const std::vector<pollfd>& polled, int fd) {
  return std::any_of(polled.begin(), polled.end(),
                     [fd](const pollfd& p) { return p.fd == fd && p.revents != 0; });
}
}  // namespace

Result<Server> Server::listen_in(const std::string& folder) {
  Server server;
  server.listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // Relative, because a whole path may be longer than an address can hold.
  if (::chdir(folder.c_str()) != 0) return failed("chdir " + folder);
  std::strcpy(address.sun_path, "shim.sock");
  ::unlink(address.sun_path);
  if (::bind(server.listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(server.listener_.get(), kClientsMax) != 0) {
    return failed("listen on " + folder + "/shim.sock");
  }
  return server;
}

void Server::add_to(std::vector<pollfd>& polled) const {
  polled.push_back({listener_.get(), POLLIN, 0});
  for (const Client& client : clients_) polled.push_back({client.fd.get(), POLLIN, 0});
}

void Server::serve(const std::vector<pollfd>& polled, const Answer& answer) {
  std::erase_if(clients_, [&](Client& client) {
    return is_ready(polled, client.fd.get()) && !read_from(client, answer);
  });
  if (is_ready(polled, listener_.get())) accept_one();
}

void Server::accept_one() {
  os::Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd || clients_.size() >= kClientsMax) return;
  clients_.push_back({std::move(fd), {}, false});
}

bool Server::read_from(Client& client, const Answer& answer) {
  char chunk[128];
  const ssize_t n = ::recv(client.fd.get(), chunk, sizeof chunk, 0);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  if (n == 0) return false;
  client.input.append(chunk, static_cast<std::size_t>(n));
  for (std::size_t end; (end = client.input.find('\n')) != std::string::npos;) {
    const std::string word = client.input.substr(0, end);
    client.input.erase(0, end + 1);
    if (word == "events") client.wants_events = true;
    if (!send_line(client.fd.get(), answer(word))) return false;
  }
  return client.input.size() <= kWordBytesMax;
}

void Server::push(const std::string& line) {
  std::erase_if(clients_, [&](const Client& client) {
    return client.wants_events && !send_line(client.fd.get(), line);
  });
}

}  // namespace ecluse::shim
