#pragma once
// The `every` of a cron job: "15m", "hour", "day at 03:00", "monday at 08:30", or five cron fields.

#include <string_view>

#include "base/result.h"

namespace ecluse::config {

/// Nothing when `text` is a schedule; else Invalid, saying which part is wrong.
Result<void> check_schedule(std::string_view text);

}  // namespace ecluse::config
