#include "base/text.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {

struct Options : Common {
  std::string control;
  std::string state;
  std::string listen;
  std::string to;
  std::optional<std::uint32_t> workers;
  std::optional<std::uint32_t> worker_fd;
  std::string bounds;
};

int gateway(const Session& session, const Options& options) {
  if (options.control.empty() == options.to.empty() && !options.worker_fd) {
    return report(session, options,
                  {ErrorKind::kInvalid, "a gateway needs --to or --control, and not both",
                   "alone: ecluse gateway --listen 127.0.0.1:8080 --to 127.0.0.1:9000"},
                  kUsage);
  }
  GatewayOptions gateway{.control = options.control,
                         .state = options.state,
                         .listen = options.listen,
                         .to = options.to,
                         .workers = options.workers.value_or(0)};
  if (!options.bounds.empty()) gateway.bounds = split(options.bounds, ',');
  if (options.worker_fd) gateway.worker_fd = static_cast<int>(*options.worker_fd);
  return session.roles.gateway(gateway);
}

}  // namespace

Verb gateway_verb() {
  return {"gateway", "The machine",
          "The role that carries traffic; or alone, in front of one address",
          [](Arguments& arguments) -> Action {
            auto options = std::make_shared<Options>();
            options->listen = "127.0.0.1:8080";
            arguments.value("--listen", "ADDR:PORT", options->listen, "Default 127.0.0.1:8080");
            arguments.value("--to", "ADDR:PORT", options->to, "Where everything goes");
            arguments.number("--workers", "N", options->workers, "Threads; default: processors");
            arguments.value("--control", "SOCKET", options->control, "Takes orders here instead");
            arguments.value("--state", "FOLDER", options->state, "Keeps its routes here");
            arguments.value("--bounds", "NAME=NUMBER,...", options->bounds,
                            "Other limits than the defaults (docs/gateway.md)");
            arguments.number("--worker-fd", "FD", options->worker_fd,
                             "For the worker process that the keeper starts");
            return [options](const Session& session) { return gateway(session, *options); };
          }};
}

}  // namespace ecluse::cli
