#pragma once
// What an app finds in its environment about its services. Pure.

#include <map>
#include <string>
#include <vector>

#include "services/service_url.h"

namespace ecluse::services {

struct NamedEndpoint {
  std::string name;  ///< the service's, as in ecluse.yml
  ServiceUrl url;
};

/// Every usual spelling of one endpoint: DATABASE_URL, POSTGRES_*, PG*, DB_*, SQL_*; REDIS_URL...
std::map<std::string, std::string> spellings_of(const ServiceUrl& url);

/// All endpoints together. Alone of its sort an endpoint has the plain spellings; of several the
/// first has them too, and each has them with its name in front (REPORTS_DATABASE_URL).
std::map<std::string, std::string> variables_of(const std::vector<NamedEndpoint>& endpoints);

}  // namespace ecluse::services
