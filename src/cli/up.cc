#include <fmt/format.h>
#include <unistd.h>

#include <ostream>
#include <thread>

#include "api/json.h"
#include "api/wire.h"
#include "base/log.h"
#include "cli/background.h"
#include "cli/verbs_list.h"
#include "os/file.h"

namespace ecluse::cli {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kReadyMax{120};
constexpr std::chrono::seconds kGatewayMax{15};

struct Options : Common {
  std::string data;
  std::string listen = "127.0.0.1:8080";
  std::string tls_listen;
  std::string api;
  std::optional<std::uint32_t> workers;
  bool detach = false;
};

std::string variable(const Session& session, const std::string& name) {
  const auto found = session.environment.find(name);
  return found == session.environment.end() ? "" : found->second;
}

std::vector<std::string> gateway_command(const Places& places, const Options& options) {
  std::vector<std::string> argv = {"ecluse",    "gateway",
                                   "--control", places.gateway_socket(),
                                   "--state",   places.data / "gateway",
                                   "--listen",  options.listen};
  if (!options.tls_listen.empty()) {
    argv.insert(argv.end(), {"--tls-listen", options.tls_listen});
  }
  if (options.workers) {
    argv.emplace_back("--workers");
    argv.push_back(fmt::format("{}", *options.workers));
  }
  return argv;
}

/// Our own file by name, so that process lists show it; by number when it was replaced meanwhile.
std::filesystem::path own_program() {
  const std::filesystem::path self = "/proc/self/exe";
  std::error_code code;
  const auto named = std::filesystem::read_symlink(self, code);
  return !code && access(named.c_str(), X_OK) == 0 ? named : self;
}

/// The gateway outlives the control plane, so usually it is there already.
Result<void> ensure_gateway(const Session& session, const Places& places, const Options& options) {
  const auto& answers = session.roles.gateway_answers;
  if (answers(places.gateway_socket())) return {};
  const auto log = places.data / "gateway" / "gateway.log";
  ECLUSE_TRY(spawn_detached(own_program(), gateway_command(places, options), log));
  const auto deadline = Clock::now() + kGatewayMax;
  while (!answers(places.gateway_socket())) {
    if (Clock::now() > deadline) {
      return fail(ErrorKind::kUnavailable, "the gateway does not answer",
                  fmt::format("its log {} ends with:\n{}", log.string(), last_lines(log, 10)));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // it has no way to call us back
  }
  return {};
}

Result<void> make_places(const Places& places) {
  ECLUSE_TRY(os::make_folder(places.data, 0711));
  ECLUSE_TRY(os::make_folder(places.run, 0755));
  return {};
}

Result<void> serve(const Session& session, const Places& places, const Options& options,
                   const std::function<void(const std::string&)>& ready) {
  ECLUSE_TRY(make_places(places));
  const ControlPlaneOptions control{places, options.listen, options.api};
  const ControlPlaneHooks hooks{
      .locked = [&] { return ensure_gateway(session, places, options); },
      .ready =
          [&] {
            const auto told = notify_init(variable(session, "NOTIFY_SOCKET"),
                                          fmt::format("READY=1\nMAINPID={}\n", getpid()));
            if (!told) log_warn("{}", told.error().message);
            ready(fmt::format("ready: gateway on {}, API on {}", options.listen,
                              places.api_socket().string()));
          }};
  return session.roles.control_plane(control, hooks);
}

int up_in_background(const Session& session, const Places& places, const Options& options) {
  session.terminal.out << std::flush;
  const auto words = detach(places.data / "ecluse.log", kReadyMax, [&](const auto& ready) {
    return serve(session, places, options, ready);
  });
  if (!words) return report(session, options, words.error());
  return say_done(session, options, "ecluse is " + *words);
}

int up(const Session& session, const Options& options) {
  const auto places = places_of(session, options.data, options.run);
  if (const auto made = make_places(places); !made) return report(session, options, made.error());
  if (options.detach) return up_in_background(session, places, options);
  const auto done = serve(session, places, options, [&](const std::string& words) {
    (void)say_done(session, options, "ecluse is " + words);
    session.terminal.out << std::flush;
  });
  return done ? static_cast<int>(kDone) : report(session, options, done.error());
}

}  // namespace

Verb up_verb() {
  return {
      "up", "The machine", "Start the control plane, and the gateway if it is not running",
      [](Arguments& arguments) -> Action {
        auto options = std::make_shared<Options>();
        arguments.flag("-d,--detach", options->detach, "Return when the API answers");
        arguments.value("--data", "FOLDER", options->data, "What lasts ($ECLUSE_DATA)");
        declare_daemon(arguments, *options);
        arguments.value("--listen", "ADDR:PORT", options->listen,
                        "The gateway's; default 127.0.0.1:8080");
        arguments.value("--tls-listen", "ADDR:PORT", options->tls_listen,
                        "The gateway's listener with TLS; default: none");
        arguments.number("--workers", "N", options->workers,
                         "Threads of the gateway; default: processors");
        arguments.value("--api", "ADDR:PORT", options->api,
                        "The API on loopback, too, with a token");
        return [options](const Session& session) { return up(session, *options); };
      },
      "Default folders: /var/lib/ecluse and /run/ecluse for root, else ~/.local/share/ecluse and\n"
      "$XDG_RUNTIME_DIR/ecluse. The gateway and the instances live on when the control plane "
      "ends, however\nit ends. SIGTERM and Ctrl-C stop the control plane alone."};
}

}  // namespace ecluse::cli
