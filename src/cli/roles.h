#pragma once
// What main.cc gives to the command line: the long-lived roles, made of concrete adapters that the
// command line does not know.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace ecluse::cli {

/// Where ecluse keeps what lasts, and what lives as long as the machine is up.
struct Places {
  std::filesystem::path data;
  std::filesystem::path run;

  std::filesystem::path api_socket() const { return run / "ecluse.sock"; }
  std::filesystem::path gateway_socket() const { return run / "gateway.sock"; }
};

struct ControlPlaneOptions {
  Places places;
  std::string listen;  ///< the gateway's, for people's eyes
  std::string api;     ///< "127.0.0.1:7070": the API on loopback too; empty: socket only
};

struct GatewayOptions {
  std::filesystem::path control;    ///< socket of the control plane's orders; empty: stands alone
  std::filesystem::path state;      ///< folder
  std::vector<std::string> listen;  ///< each ADDRESS:PORT
  std::string tls_listen;           ///< ADDRESS:PORT; empty: none
  std::string tls_certificate;      ///< PEM files for every host, when it stands alone
  std::string tls_key;
  std::vector<std::string> to;      ///< each ADDRESS:PORT; all goes there, when it stands alone
  unsigned workers = 0;             ///< threads; 0: one per processor
  std::string metrics;              ///< ADDRESS:PORT of GET /metrics; empty: none
  std::string access_log;           ///< file; empty: off until it is asked for
  std::vector<std::string> bounds;  ///< "NAME=NUMBER"
  std::filesystem::path certifier;  ///< given to the certifier process by its parent
  int worker_fd = -1;               ///< given by the keeper to the worker process it starts
  int keeper_fd = -1;               ///< given by a keeper to the newer program that it becomes
};

/// One line of `doctor`.
struct Finding {
  std::string what;  ///< "network namespaces"
  bool ok = false;
  bool essential = false;   ///< nothing works without it
  std::string detail;       ///< what was seen
  std::string consequence;  ///< what follows when it is missing
  std::string remedy;       ///< how to mend it
};

struct ControlPlaneHooks {
  /// Called once the data folder is ours, before any thread is started.
  std::function<Result<void>()> locked;
  std::function<void()> ready;  ///< called once, when the API answers
};

struct Roles {
  /// Serves until SIGTERM or SIGINT. Conflict when another control plane holds the data folder.
  std::function<Result<void>(const ControlPlaneOptions&, const ControlPlaneHooks&)> control_plane;
  std::function<int(const GatewayOptions&)> gateway;
  std::function<int(const std::vector<std::string>&)> shim;
  std::function<bool(const std::filesystem::path& control)> gateway_answers;
  std::function<Result<void>(const std::filesystem::path& control)> stop_gateway;
  /// Replaces the gateway's program by the one on disk; returns when it serves. `workers`: threads
  /// from then on, 0: as many as now. Conflict: it failed, and the former one serves on.
  std::function<Result<void>(const std::filesystem::path& control, unsigned workers)>
      upgrade_gateway;
  /// Stops what still runs, services too, each in its own way. The control plane must be down.
  std::function<Result<void>(const Places&)> stop_instances;
  std::function<std::vector<Finding>(const Places&)> privileges;
};

}  // namespace ecluse::cli
