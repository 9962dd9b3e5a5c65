#pragma once

#include <string>

namespace ecluse::os {

/// Today by the machine's clock, in UTC: "2026-11-21".
std::string calendar_day();

}  // namespace ecluse::os
