#pragma once
// Which request asks for which operation. docs/api.md is held to this table by a test.

#include <functional>
#include <span>
#include <stop_token>
#include <string_view>

#include "api/http.h"
#include "api/json.h"
#include "control/operations.h"

namespace ecluse::api {

/// What a handler works with. Strings in `{braces}` of the pattern are `path` segments by index.
struct Call {
  const HttpRequest& request;
  const std::string& actor;
  control::Operations& operations;
  const Redactor& redact;
  std::stop_token stop;
  HttpConnection* connection;  ///< for streams and to see whether anybody still waits
  const std::string& data;     ///< the daemon's data folder
};

struct Route {
  std::string_view method;
  std::string_view pattern;  ///< "/v1/environments/{app}/{environment}"
  std::string_view does;     ///< one sentence for docs/api.md
  /// The whole answer, or nothing after it wrote a stream itself.
  Result<std::optional<HttpAnswer>> (*handle)(const Call&);
};

std::span<const Route> routes();

/// Finds the route and runs it; errors become their JSON form and status.
std::optional<HttpAnswer> answer_to(const Call& call);

}  // namespace ecluse::api
