#include "services/service_place.h"

namespace ecluse::services {

std::string ServicePlace::id() const {
  return model::environment_id(key, "service", spec.name);
}

std::string ServicePlace::data() const {
  return surroundings == Surroundings::kOwnNetwork ? "/data" : data_on_host().string();
}

std::string ServicePlace::conf() const {
  return surroundings == Surroundings::kOwnNetwork ? "/conf" : conf_on_host().string();
}

}  // namespace ecluse::services
