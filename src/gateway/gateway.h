#pragma once
// The gateway as a program: a keeper that holds the sockets, and the worker process it respawns.

#include <filesystem>
#include <string>
#include <vector>

#include "gateway/bounds.h"

namespace ecluse::gateway {

struct GatewayOptions {
  std::vector<std::string> listen = {
      "127.0.0.1:8080"};                  ///< "ADDRESS:PORT", "[::1]:PORT"; port 0: any
  std::vector<std::string> tls_listen;    ///< the same with TLS
  std::filesystem::path tls_certificate;  ///< stand-alone: PEM, for every host
  std::filesystem::path tls_key;          ///< stand-alone: PEM; empty: in `tls_certificate`
  std::vector<std::string> to;            ///< stand-alone: all requests go here; no control plane
  unsigned workers = 0;                   ///< threads; 0: one per processor
  std::filesystem::path folder;  ///< state and keys ("DATA/gateway"); empty: nothing is kept
  std::filesystem::path control_socket;  ///< "RUN/gateway.sock"; empty: none
  std::string metrics;                   ///< "ADDRESS:PORT" of GET /metrics; empty: none
  std::filesystem::path access_log;  ///< every request is logged there; empty: see docs/gateway.md
  Bounds bounds;                     ///< set_bound() reads "NAME=NUMBER"
  bool announce = true;              ///< "listening ADDRESS:PORT" on stdout once it serves

  /// How a worker process is started: `program` with `arguments` and then "--worker-fd N", which
  /// must come back here as `worker_fd`.
  std::filesystem::path program = "/proc/self/exe";
  std::vector<std::string> arguments = {"gateway"};
  /// Not empty: this process is the certifier, and works in this folder ("DATA/gateway/tls").
  std::filesystem::path certifier;
  int worker_fd = -1;  ///< not -1: this process is the worker
  int keeper_fd = -1;  ///< not -1: this process goes on as the keeper whose state is there
};

/// Blocking; returns the exit code: 0 after SIGTERM or SIGINT and a clean drain, 1 when it could
/// not start (the reason is on stderr). Call from the main thread, before other threads start.
int gateway_main(const GatewayOptions& options);

}  // namespace ecluse::gateway
