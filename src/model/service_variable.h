#pragma once
// The names under which apps look for a service, as tutorials and frameworks have them. Pure.

#include <span>
#include <string_view>

#include "model/spec.h"

namespace ecluse::model {

/// What of a service a variable says.
enum class ServiceFact { kUrl, kHost, kPort, kDatabase, kUser, kPassword, kEngine };

struct ServiceVariable {
  std::string_view name;
  ServiceFact fact;
};

/// All that an app is given of such a service, besides what stands in its URL's options.
std::span<const ServiceVariable> service_variables(ServiceKind kind);

}  // namespace ecluse::model
