// The gateway alone, for the tests of this folder: the program `ecluse` has it as a verb.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/text.h"
#include "gateway/gateway.h"

namespace {
using ecluse::gateway::GatewayOptions;

bool take(GatewayOptions& options, std::string_view flag, const std::string& value) {
  if (flag == "--listen")
    options.listen.push_back(value);
  else if (flag == "--tls-listen")
    options.tls_listen.push_back(value);
  else if (flag == "--tls-cert")
    options.tls_certificate = value;
  else if (flag == "--tls-key")
    options.tls_key = value;
  else if (flag == "--certifier")
    options.certifier = value;
  else if (flag == "--to")
    options.to.push_back(value);
  else if (flag == "--workers")
    options.workers = static_cast<unsigned>(std::stoul(value));
  else if (flag == "--folder")
    options.folder = value;
  else if (flag == "--metrics")
    options.metrics = value;
  else if (flag == "--access-log")
    options.access_log = value;
  else if (flag == "--control")
    options.control_socket = value;
  else if (flag == "--worker-fd")
    options.worker_fd = std::stoi(value);
  else if (flag == "--keeper-fd")
    options.keeper_fd = std::stoi(value);
  else if (flag == "--bounds")
    return std::ranges::all_of(ecluse::split(value, ','), [&](const std::string& bound) {
      return set_bound(options.bounds, bound).has_value();
    });
  else
    return false;
  return true;
}
}  // namespace

int main(int argc, char** argv) {
  GatewayOptions options;
  options.listen.clear();
  for (int i = 2; i + 1 < argc; i += 2) {
    if (take(options, argv[i], argv[i + 1])) continue;
    fmt::print(stderr, "unknown: {} {}\n", argv[i], argv[i + 1]);
    return 2;
  }
  return ecluse::gateway::gateway_main(options);
}
