#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace ecluse {

namespace {
spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = spdlog::stderr_logger_mt("ecluse");
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    return made;
  }();
  return *instance;
}
std::function<std::string(std::string_view)>& filter_slot() {
  static std::function<std::string(std::string_view)> filter;
  return filter;
}
spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}
}  // namespace

void log_line(LogLevel level, std::string_view line) {
  const auto& filter = filter_slot();
  if (filter) {
    logger().log(level_of(level), filter(line));
  } else {
    logger().log(level_of(level), line);
  }
}

void set_log_level(LogLevel level) {
  logger().set_level(level_of(level));
}

void set_log_filter(std::function<std::string(std::string_view)> filter) {
  filter_slot() = std::move(filter);
}

}  // namespace ecluse
