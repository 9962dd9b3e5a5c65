#include "services/engine.h"

#include <fmt/format.h>

namespace ecluse::services {

ports::Launch common_launch(const ServicePlace& place) {
  ports::Launch launch;
  launch.id = place.id();
  launch.app = place.key.app;
  launch.environment = place.key.environment;
  launch.owner = "service " + place.spec.name;
  launch.user = place.id();  // its own: the app must not be able to read the files
  launch.workdir = "/";
  launch.env = {
      {"LC_ALL", "C.UTF-8"}, {"TZ", "UTC"}, {"PATH", place.engine.bin.string() + ":/usr/bin:/bin"}};
  if (place.surroundings == Surroundings::kOwnNetwork) {
    launch.mounts = {{place.data_on_host(), place.data(), true},
                     {place.conf_on_host(), place.conf(), false}};
  }
  launch.port = place.label.port;
  launch.limits = place.spec.limits;
  launch.restart = true;
  launch.oom_score_adj = place.oom_score_adj;
  return launch;
}

}  // namespace ecluse::services
