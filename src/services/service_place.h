#pragma once
// Where one service of one environment lives: its names, folders and label.

#include <filesystem>
#include <string>

#include "model/key.h"
#include "model/spec.h"
#include "services/engine_program.h"
#include "services/service_label.h"

namespace ecluse::services {

/// What stands around a service that runs.
enum class Surroundings {
  kOwnNetwork,  ///< an address of its own; its folders are mounted at /data and /conf
  kHost,        ///< a plain process of this host: loopback, real paths
};

struct ServicePlace {
  model::EnvironmentKey key;
  model::ServiceSpec spec;
  std::filesystem::path folder;  ///< SERVICES/APP/ENV/NAME
  Surroundings surroundings = Surroundings::kOwnNetwork;
  int oom_score_adj = 0;
  ServiceLabel label;
  EngineProgram engine;

  std::string id() const;  ///< of its instance
  /// As the service sees them.
  std::string data() const;
  std::string conf() const;
  /// As we see them. `data` belongs to the service's user: never write there as root.
  std::filesystem::path data_on_host() const { return folder / "data"; }
  std::filesystem::path conf_on_host() const { return folder / "conf"; }
};

}  // namespace ecluse::services
