// ecluse-load: an open-loop load client for this machine. Commands come on stdin, one a line, each
// answered by one line of JSON on stdout; the end of stdin, or --seconds, stops it, and the last
// line is the report.

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "loader.h"

namespace ecluse::load {
namespace {

struct Arguments {
  std::string to;
  std::string host;
  double rate = 0;
  double seconds = 0;
  double timeout = 15;
  std::size_t websockets = 0;
  std::size_t connections = 4000;
  std::uint32_t people = 0;
  std::uint64_t seed = 1;
  std::map<Kind, std::vector<std::string>> shares;
};

void describe(CLI::App& app, Arguments& arguments) {
  app.add_option("--to", arguments.to, "ADDRESS:PORT on loopback")->required();
  app.add_option("--host", arguments.host, "the Host field");
  app.add_option("--rate", arguments.rate, "requests per second (or the command: rate N)");
  app.add_option("--seconds", arguments.seconds, "run this long and do not read stdin");
  app.add_option("--timeout", arguments.timeout, "seconds until a request counts as lost");
  app.add_option("--websockets", arguments.websockets, "WebSockets kept open");
  app.add_option("--connections-max", arguments.connections, "bound on connections");
  app.add_option("--people", arguments.people,
                 "so many come back again and again, each with the cookie of a sticky canary");
  app.add_option("--seed", arguments.seed, "of the order of requests");
  for (const Kind kind :
       {Kind::kGet, Kind::kNew, Kind::kPost, Kind::kSlow, Kind::kSlowRead, Kind::kWebSocket}) {
    std::string name = fmt::format("--{}", to_string(kind));
    std::replace(name.begin(), name.end(), '_', '-');
    app.add_option(name, arguments.shares[kind], "PATH:WEIGHT, may be repeated");
  }
}

Result<LoadOptions> options_of(const Arguments& arguments) {
  LoadOptions options;
  ECLUSE_ASSIGN(options.target, parse_target(arguments.to, arguments.host));
  for (const auto& [kind, texts] : arguments.shares)
    for (const std::string& text : texts) ECLUSE_TRY(options.mix.add(kind, text));
  if (options.mix.empty()) ECLUSE_TRY(options.mix.add(Kind::kGet, "/"));
  options.rate = arguments.rate;
  options.websockets = arguments.websockets;
  options.connections_max = arguments.connections;
  options.timeout = static_cast<Micros>(arguments.timeout * 1e6);
  options.people = arguments.people;
  options.seed = arguments.seed;
  const bool has_path = !options.mix.websocket_path().empty();
  if (has_path != (options.websockets > 0))
    return fail(ErrorKind::kInvalid, "--websocket PATH:WEIGHT and --websockets N go together");
  return options;
}

/// Lines of stdin, as they come.
class Commands : public Watched {
 public:
  Commands(Poller& poller, Loader& loader) : poller_(poller), loader_(loader) {
    poller_.watch(STDIN_FILENO, EPOLLIN, this);
  }

 private:
  void on_ready(std::uint32_t) override {
    std::array<char, 4096> buffer;
    const ssize_t got = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got <= 0) {
      poller_.forget(STDIN_FILENO);
      loader_.obey("stop");
      return;
    }
    text_.append(buffer.data(), static_cast<std::size_t>(got));
    for (std::size_t end = text_.find('\n'); end != std::string::npos; end = text_.find('\n')) {
      std::cout << loader_.obey(std::string_view(text_).substr(0, end)) << std::endl;
      text_.erase(0, end + 1);
    }
  }

  Poller& poller_;
  Loader& loader_;
  std::string text_;
};

/// As many descriptors as the system lets us have: each connection needs one.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);  // not granted: connections_max still bounds us
}

Result<void> run(const Arguments& arguments) {
  ECLUSE_ASSIGN(LoadOptions options, options_of(arguments));
  ECLUSE_ASSIGN(Poller poller, Poller::make());
  raise_descriptor_limit();
  Loader loader(poller, std::move(options));
  std::optional<Commands> commands;
  if (arguments.seconds <= 0) commands.emplace(poller, loader);
  const Micros end = now_us() + static_cast<Micros>(arguments.seconds * 1e6);
  bool stopped = false;
  while (!loader.finished()) {
    loader.step(now_us() + 100'000);
    if (arguments.seconds > 0 && !stopped && now_us() >= end) {
      loader.obey("stop");
      stopped = true;
    }
  }
  std::cout << loader.report() << std::endl;
  return {};
}

}  // namespace
}  // namespace ecluse::load

int main(int argc, char** argv) {
  ecluse::load::Arguments arguments;
  CLI::App app("Open-loop load on this machine; counts every request", "ecluse-load");
  ecluse::load::describe(app, arguments);
  CLI11_PARSE(app, argc, argv);
  signal(SIGPIPE, SIG_IGN);
  if (const auto done = ecluse::load::run(arguments); !done) {
    fmt::print(stderr, "ecluse-load: {}\n", done.error().message);
    if (!done.error().hint.empty()) fmt::print(stderr, "  {}\n", done.error().hint);
    return 2;
  }
  return 0;
}
