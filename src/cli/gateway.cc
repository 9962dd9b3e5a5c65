#include "base/text.h"
#include "cli/verbs_list.h"

namespace ecluse::cli {

namespace {

struct Options : Common {
  std::string control;
  std::string state;
  std::vector<std::string> listen;
  std::string tls_listen;
  std::string tls_certificate;
  std::string tls_key;
  std::vector<std::string> to;
  std::optional<std::uint32_t> workers;
  std::optional<std::uint32_t> worker_fd;
  std::optional<std::uint32_t> keeper_fd;
  std::string metrics;
  std::string access_log;
  std::string certifier;
  std::string bounds;
};

int gateway(const Session& session, const Options& options) {
  const bool is_started_by_itself =
      options.worker_fd || options.keeper_fd || !options.certifier.empty();
  if (options.control.empty() == options.to.empty() && !is_started_by_itself) {
    return report(session, options,
                  {ErrorKind::kInvalid, "a gateway needs --to or --control, and not both",
                   "alone: ecluse gateway --listen 127.0.0.1:8080 --to 127.0.0.1:9000"},
                  kUsage);
  }
  GatewayOptions gateway{.control = options.control,
                         .state = options.state,
                         .listen = options.listen.empty()
                                       ? std::vector<std::string>{"127.0.0.1:8080"}
                                       : options.listen,
                         .tls_listen = options.tls_listen,
                         .tls_certificate = options.tls_certificate,
                         .tls_key = options.tls_key,
                         .to = options.to,
                         .workers = options.workers.value_or(0),
                         .metrics = options.metrics,
                         .access_log = options.access_log,
                         .certifier = options.certifier};
  if (!options.bounds.empty()) gateway.bounds = split(options.bounds, ',');
  if (options.worker_fd) gateway.worker_fd = static_cast<int>(*options.worker_fd);
  if (options.keeper_fd) gateway.keeper_fd = static_cast<int>(*options.keeper_fd);
  return session.roles.gateway(gateway);
}

}  // namespace

Verb gateway_verb() {
  return {"gateway", "The machine", "The role that carries traffic; or alone, in front of an app",
          [](Arguments& arguments) -> Action {
            auto options = std::make_shared<Options>();
            arguments.values("--listen", "ADDR:PORT", options->listen, "Default 127.0.0.1:8080");
            arguments.value("--tls-listen", "ADDR:PORT", options->tls_listen, "The same with TLS");
            arguments.value("--tls-cert", "FILE", options->tls_certificate,
                            "PEM: certificate and chain, alone for every host");
            arguments.value("--tls-key", "FILE", options->tls_key,
                            "PEM: its key; default: in the same file");
            arguments.values("--to", "ADDR:PORT", options->to,
                             "Where everything goes; several share the requests");
            arguments.number("--workers", "N", options->workers, "Threads; default: processors");
            arguments.value("--control", "SOCKET", options->control, "Takes orders here instead");
            arguments.value("--state", "FOLDER", options->state, "Keeps its routes here");
            arguments.value("--metrics", "ADDR:PORT", options->metrics,
                            "Answers GET /metrics here, to whoever asks");
            arguments.value("--access-log", "FILE", options->access_log,
                            "Writes a JSON line for each request");
            arguments.value("--bounds", "NAME=NUMBER,...", options->bounds,
                            "Other limits than the defaults (docs/gateway.md)");
            arguments.number("--worker-fd", "FD", options->worker_fd,
                             "For the worker process that the keeper starts");
            arguments.number("--keeper-fd", "FD", options->keeper_fd,
                             "For the newer program that the keeper becomes");
            arguments.value("--certifier", "FOLDER", options->certifier,
                            "For the process that gets certificates, which the worker starts");
            return [options](const Session& session) { return gateway(session, *options); };
          }};
}

}  // namespace ecluse::cli
