#include "runtime/process/shim/report.h"

#include <cstdio>

namespace ecluse::shim {

namespace {
const char* name_of(State state) {
  switch (state) {
    case State::kStarting:
      return "starting";
    case State::kRunning:
      return "running";
    case State::kBackingOff:
      return "backing-off";
    case State::kCrashLooping:
      return "crash-looping";
    case State::kStopping:
      return "stopping";
    case State::kStopped:
      return "stopped";
  }
  return "stopped";
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

class Object {
 public:
  Object& text(const char* key, const std::string& value) { return raw(key, quoted(value)); }
  Object& number(const char* key, std::uint64_t value) { return raw(key, std::to_string(value)); }
  Object& flag(const char* key, bool value) { return raw(key, value ? "true" : "false"); }
  Object& raw(const char* key, const std::string& value) {
    out_ += (out_.empty() ? "{" : ",") + quoted(key) + ":" + value;
    return *this;
  }
  std::string close() const { return out_ + "}"; }

 private:
  std::string out_;
};
}  // namespace

std::string to_json(const Report& r, const std::string& event) {
  Object object;
  if (!event.empty()) object.text("event", event);
  return object.text("state", name_of(r.state))
      .number("pid", static_cast<std::uint64_t>(r.pid))
      .number("pid_start", r.pid_start)
      .number("shim_pid", static_cast<std::uint64_t>(r.shim_pid))
      .number("shim_start", r.shim_start)
      .number("starts", r.starts)
      .raw("last_exit", r.last_exit ? std::to_string(*r.last_exit) : "null")
      .flag("timed_out", r.timed_out)
      .flag("done", r.done)
      .text("boot", r.boot)
      .text("error", r.error)
      .number("error_kind", static_cast<std::uint64_t>(r.error_kind))
      .close();
}

}  // namespace ecluse::shim
