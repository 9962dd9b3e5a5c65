#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {

struct Options : Common {
  std::string control;
  std::optional<std::uint32_t> workers;
};

int upgrade(const Session& session, const Options& options) {
  const std::filesystem::path control = options.control.empty()
                                            ? places_of(session, "", options.run).gateway_socket()
                                            : std::filesystem::path(options.control);
  const auto done = session.roles.upgrade_gateway(control, options.workers.value_or(0));
  if (!done) return report(session, options, done.error());
  return say_done(session, options,
                  "the gateway runs the program on disk; what was open ends in the former one");
}

}  // namespace

Verb upgrade_verb() {
  return {
      "upgrade", "The machine",
      "Replace the running gateway by the program on disk; no request is lost",
      [](Arguments& arguments) -> Action {
        auto options = std::make_shared<Options>();
        declare_daemon(arguments, *options);
        arguments.value("--control", "SOCKET", options->control,
                        "The gateway's; default: the one of the run folder");
        arguments.number("--workers", "N", options->workers,
                         "Threads from then on; default: as many as now");
        return [options](const Session& session) { return upgrade(session, *options); };
      },
      "The control plane is not replaced: end it with `ecluse down` and start it with `ecluse "
      "up`;\n"
      "apps and traffic do not notice. A gateway without a control socket takes SIGUSR2 instead."};
}

}  // namespace ecluse::cli
