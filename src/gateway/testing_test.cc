#include "gateway/testing.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>

namespace ecluse::gateway::testing {

bool eventually(const std::function<bool()>& ready) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!ready()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "ecluse-gw-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = pattern;
}
TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;  // best effort: the system cleans its temporary folder too
  std::filesystem::remove_all(path_, ignored);
}

namespace {
bool wait_readable(int fd) {
  pollfd wait{fd, POLLIN, 0};
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(kPatience).count();
  return ::poll(&wait, 1, static_cast<int>(ms)) > 0;
}

std::string read_line(int fd) {
  std::string line;
  char byte = 0;
  while (wait_readable(fd) && ::read(fd, &byte, 1) == 1 && byte != '\n') line += byte;
  return line;
}

int wait_for_exit(int pid) {
  int status = 0;
  const bool ended = eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; });
  if (!ended) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}
}  // namespace

namespace {
/// Of "listening ADDRESS:PORT".
std::uint16_t port_in(const std::string& line) {
  const auto colon = line.rfind(':');
  return colon == std::string::npos ? std::uint16_t{0}
                                    : static_cast<std::uint16_t>(std::stoi(line.substr(colon + 1)));
}
}  // namespace

GatewayProcess::GatewayProcess(std::vector<std::string> arguments, std::string program) {
  arguments.insert(arguments.begin(), {std::move(program), "gateway"});
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  output_.reset(pipe[0]);
  os::Fd theirs(pipe[1]);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(theirs.get(), 1);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  theirs.reset();  // so that its end is heard
  port_ = port_in(read_line(output_.get()));
  const bool has_tls = std::ranges::find(arguments, "--tls-listen") != arguments.end();
  if (has_tls) tls_port_ = port_in(read_line(output_.get()));
}

GatewayProcess::~GatewayProcess() {
  if (pid_ != 0 && terminate() != 0) ADD_FAILURE() << "the gateway did not end cleanly";
}

std::vector<int> GatewayProcess::worker_pids() const {
  std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", pid_));
  std::vector<int> pids;
  for (int child = 0; children >> child;) pids.push_back(child);
  return pids;
}

int GatewayProcess::worker_pid() const {
  const std::vector<int> pids = worker_pids();
  return pids.empty() ? 0 : pids.front();
}

int GatewayProcess::newest_worker_pid() const {
  const std::vector<int> pids = worker_pids();
  return pids.empty() ? 0 : pids.back();
}

std::size_t GatewayProcess::worker_count() const {
  return worker_pids().size();
}

void GatewayProcess::kill_worker() {
  const int old = worker_pid();
  ASSERT_GT(old, 0);
  ASSERT_EQ(::kill(old, SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return worker_pid() != 0 && worker_pid() != old; }));
}

void GatewayProcess::kill_keeper() {
  const int worker = worker_pid();
  ASSERT_EQ(::kill(pid_, SIGKILL), 0);
  ASSERT_EQ(wait_for_exit(std::exchange(pid_, 0)), 128 + SIGKILL);
  // The worker drains when its keeper is gone.
  EXPECT_TRUE(eventually([&] { return ::kill(worker, 0) != 0; }));
}

int GatewayProcess::await_exit() {
  return wait_for_exit(std::exchange(pid_, 0));
}

int GatewayProcess::terminate() {
  if (pid_ == 0) return 0;
  ::kill(pid_, SIGTERM);
  return wait_for_exit(std::exchange(pid_, 0));
}

RawClient::RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const sockaddr_in address = loopback(port);
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    was_reset_ = true;
  }
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool RawClient::read_some() {
  std::array<char, 65536> chunk{};
  if (!wait_readable(fd_.get())) {
    timed_out_ = true;
    return false;
  }
  const ssize_t n = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
  was_reset_ = was_reset_ || n < 0;
  if (n <= 0) return false;
  received_.append(chunk.data(), static_cast<std::size_t>(n));
  return true;
}

std::string RawClient::read_to_end() {
  while (read_some()) {
  }
  return std::exchange(received_, {});
}

std::string RawClient::read_until(std::string_view text) {
  while (received_.find(text) == std::string::npos && read_some()) {
  }
  return received_;
}

std::string RawClient::take_through(std::string_view text) {
  const std::size_t at = read_until(text).find(text);
  if (at == std::string::npos) return {};
  std::string taken = received_.substr(0, at + text.size());
  received_.erase(0, taken.size());
  return taken;
}

std::string RawClient::read_answer() {
  read_until("\r\n\r\n");
  const std::size_t head = received_.find("\r\n\r\n");
  const std::size_t length = received_.find("Content-Length: ");
  if (head == std::string::npos || length > head) return {};
  const std::size_t end = head + 4 + std::stoul(received_.substr(length + 16));
  while (received_.size() < end && read_some()) {
  }
  std::string answer = received_.substr(0, end);
  received_.erase(0, end);
  return answer;
}

void RawClient::end_sending() {
  ::shutdown(fd_.get(), SHUT_WR);
}

namespace {
void reset_connection(os::Fd& fd) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  fd.reset();
}
}  // namespace

void RawClient::reset() {
  reset_connection(fd_);
}

std::string answer_to(std::uint16_t port, std::string_view request) {
  RawClient client(port);
  client.send(request);
  return client.read_to_end();
}

int status_of(std::string_view answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::stoi(std::string(answer.substr(9, 3))) : 0;
}

std::string body_of(std::string_view answer) {
  const std::size_t head = answer.find("\r\n\r\n");
  return head == std::string_view::npos ? "" : std::string(answer.substr(head + 4));
}

bool RecordingApp::Peer::fill() {
  std::array<char, 65536> chunk{};
  const ssize_t n = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
  if (n <= 0) return false;
  app_.note({chunk.data(), static_cast<std::size_t>(n)});
  waiting_.append(chunk.data(), static_cast<std::size_t>(n));
  return true;
}

std::string RecordingApp::Peer::read_some() {
  if (waiting_.empty()) fill();
  return std::exchange(waiting_, {});
}

std::string RecordingApp::Peer::read_request() {
  while (waiting_.find("\r\n\r\n") == std::string::npos) {
    if (!fill()) return {};
  }
  const std::size_t head = waiting_.find("\r\n\r\n") + 4;
  const std::size_t length = waiting_.find("Content-Length: ");
  std::size_t end = head;
  if (length < head) end += std::stoul(waiting_.substr(length + 16));
  if (waiting_.find("Transfer-Encoding: chunked") < head) {
    while (waiting_.find("0\r\n\r\n", head) == std::string::npos) {
      if (!fill()) return {};
    }
    end = waiting_.find("0\r\n\r\n", head) + 5;
  }
  while (waiting_.size() < end) {
    if (!fill()) return {};
  }
  std::string request = waiting_.substr(0, end);
  waiting_.erase(0, end);
  return request;
}

bool RecordingApp::Peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

void RecordingApp::Peer::reset() {
  reset_connection(fd_);
}

RecordingApp::RecordingApp(std::string body)
    : RecordingApp([answer = fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}",
                                         body.size(), body)](Peer& peer) {
        while (!peer.read_request().empty() && peer.send(answer)) {
        }
      }) {}

RecordingApp::RecordingApp(Serve serve)
    : serve_(std::move(serve)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.get(), raw, length) != 0 || ::listen(listener_.get(), 128) != 0 ||
      ::getsockname(listener_.get(), raw, &length) != 0) {
    throw std::runtime_error("a listener of an app");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_loop(); });
}

void RecordingApp::stop_listening() {
  ends_ = true;
  ::shutdown(listener_.get(), SHUT_RDWR);
}

RecordingApp::~RecordingApp() {
  stop_listening();
  acceptor_.join();
  open_.with([](std::vector<int>& all) {
    for (const int fd : all) ::shutdown(fd, SHUT_RDWR);
  });
  for (std::thread& thread : threads_) thread.join();
}

void RecordingApp::accept_loop() {
  while (!ends_) {
    const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    ++connection_count_;
    open_.with([&](std::vector<int>& all) { all.push_back(fd); });
    threads_.emplace_back([this, fd] {
      Peer peer(os::Fd(fd), *this);
      serve_(peer);
      open_.with([&](std::vector<int>& all) { std::erase(all, fd); });
    });
  }
}

std::string RecordingApp::address() const {
  return fmt::format("127.0.0.1:{}", port_);
}
std::string RecordingApp::received() const {
  return received_.with([](const std::string& all) { return all; });
}
void RecordingApp::forget() {
  received_.with([](std::string& all) { all.clear(); });
}
void RecordingApp::note(std::string_view bytes) {
  received_.with([&](std::string& all) { all += bytes; });
}

Proxy::Proxy(RecordingApp& app, std::vector<std::string> more) {
  std::vector<std::string> arguments{"--listen",    "127.0.0.1:0", "--to",
                                     app.address(), "--workers",   "2"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  gateway = std::make_unique<GatewayProcess>(std::move(arguments));
}

}  // namespace ecluse::gateway::testing
