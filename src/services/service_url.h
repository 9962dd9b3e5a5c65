#pragma once
// The URL of a database or cache, read strictly. Pure. Messages never quote the URL: it holds a
// password.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/spec.h"

namespace ecluse::services {

struct ServiceUrl {
  model::ServiceKind kind = model::ServiceKind::kPostgres;
  std::string text;    ///< as given
  std::string scheme;  ///< "postgresql+psycopg2"
  std::string user;
  std::string password;
  std::string host;  ///< IPv6 without brackets
  std::uint16_t port = 0;
  std::string database;
  std::map<std::string, std::string> options;  ///< of the query, decoded
  bool tls = false;                            ///< rediss, or sslmode=require and stricter
};

/// postgres, postgresql (also with +driver), mysql, mariadb (also with +driver), redis, rediss.
/// Invalid says which part is wrong and what is expected.
Result<ServiceUrl> parse_service_url(std::string_view text);

/// The address in SQLAlchemy's spelling for `driver` ("asyncpg"): postgresql+asyncpg://. As it is
/// where none is wanted or where it names one already.
ServiceUrl with_driver(ServiceUrl url, std::string_view driver);

/// For user, password and database inside a URL.
std::string percent_encoded(std::string_view text);

}  // namespace ecluse::services
