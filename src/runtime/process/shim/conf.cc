#include "runtime/process/shim/conf.h"

#include <cstdlib>

namespace ecluse::shim {

namespace {
/// A value may hold anything; what would end the line or a field is written as %XX.
std::string escaped(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (c != '%' && c != '\n' && c != '\t') {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  return out;
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const char digits[] = {text[i + 1], text[i + 2], 0};
      out += static_cast<char>(std::strtol(digits, nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::int64_t number(std::string_view text) {
  return std::strtoll(std::string(text).c_str(), nullptr, 10);
}

Bind bind_of(std::string_view value, bool writable) {
  const std::size_t tab = value.find('\t');
  return {unescaped(value.substr(0, tab)), unescaped(value.substr(tab + 1)), writable};
}

Surroundings& surroundings_of(Conf& conf) {
  if (!conf.surroundings) conf.surroundings.emplace();
  return *conf.surroundings;
}

/// One row per key; false: unknown.
bool take(Conf& conf, std::string_view key, std::string_view value) {
  const auto text = [&] { return unescaped(value); };
  if (key == "id")
    conf.id = text();
  else if (key == "arg")
    conf.argv.push_back(text());
  else if (key == "env")
    conf.env.push_back(text());
  else if (key == "workdir")
    conf.workdir = text();
  else if (key == "uid")
    conf.uid = static_cast<std::uint32_t>(number(value));
  else if (key == "root")
    surroundings_of(conf).root = text();
  else if (key == "app_overlay")
    surroundings_of(conf).app_overlay = text();
  else if (key == "app_lower")
    surroundings_of(conf).app_lower = text();
  else if (key == "etc_overlay")
    surroundings_of(conf).etc_overlay = text();
  else if (key == "tmp_bytes_max")
    surroundings_of(conf).tmp_bytes_max = static_cast<std::uint64_t>(number(value));
  else if (key == "bind_ro")
    surroundings_of(conf).binds.push_back(bind_of(value, false));
  else if (key == "bind_rw")
    surroundings_of(conf).binds.push_back(bind_of(value, true));
  else if (key == "cgroup")
    conf.cgroups.push_back(text());
  else if (key == "shim_cgroup")
    conf.shim_cgroup = text();
  else if (key == "stop_signal")
    conf.stop_signal = static_cast<int>(number(value));
  else if (key == "stop_main_only")
    conf.stop_main_only = number(value) != 0;
  else if (key == "stop_grace_ms")
    conf.stop_grace_ms = number(value);
  else if (key == "restart")
    conf.restart = number(value) != 0;
  else if (key == "timeout_ms")
    conf.timeout_ms = number(value);
  else if (key == "oom_score_adj")
    conf.oom_score_adj = static_cast<int>(number(value));
  else if (key == "backoff_first_ms")
    conf.backoff_first_ms = number(value);
  else if (key == "backoff_ms_max")
    conf.backoff_ms_max = number(value);
  else if (key == "stable_ms")
    conf.stable_ms = number(value);
  else if (key == "crash_exits")
    conf.crash_exits = static_cast<int>(number(value));
  else if (key == "crash_window_ms")
    conf.crash_window_ms = number(value);
  else if (key == "log_bytes_max")
    conf.log_bytes_max = static_cast<std::uint64_t>(number(value));
  else if (key == "log_files_max")
    conf.log_files_max = static_cast<int>(number(value));
  else
    return false;
  return true;
}

class Lines {
 public:
  void text(std::string_view key, std::string_view value) { raw(key, escaped(value)); }
  void number(std::string_view key, std::int64_t value) { raw(key, std::to_string(value)); }
  void bind(const Bind& bind) {
    raw(bind.writable ? "bind_rw" : "bind_ro", escaped(bind.source) + "\t" + escaped(bind.target));
  }
  std::string out;

 private:
  void raw(std::string_view key, std::string_view value) {
    out.append(key).append("=").append(value).append("\n");
  }
};

void write_surroundings(Lines& lines, const Surroundings& s) {
  lines.text("root", s.root);
  lines.text("app_overlay", s.app_overlay);
  lines.text("app_lower", s.app_lower);
  lines.text("etc_overlay", s.etc_overlay);
  lines.number("tmp_bytes_max", static_cast<std::int64_t>(s.tmp_bytes_max));
  for (const Bind& bind : s.binds) lines.bind(bind);
}
}  // namespace

Result<Conf> parse_conf(std::string_view text) {
  Conf conf;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() < text.size() ? line.size() + 1 : line.size());
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos ||
        !take(conf, line.substr(0, equals), line.substr(equals + 1))) {
      return fail(ErrorKind::kInvalid, "launch file: unknown line: " + std::string(line));
    }
  }
  if (conf.argv.empty()) return fail(ErrorKind::kInvalid, "launch file: no command");
  return conf;
}

std::string write_conf(const Conf& conf) {
  Lines lines;
  lines.text("id", conf.id);
  for (const auto& arg : conf.argv) lines.text("arg", arg);
  for (const auto& entry : conf.env) lines.text("env", entry);
  lines.text("workdir", conf.workdir);
  if (conf.uid) lines.number("uid", *conf.uid);
  if (conf.surroundings) write_surroundings(lines, *conf.surroundings);
  for (const auto& folder : conf.cgroups) lines.text("cgroup", folder);
  lines.text("shim_cgroup", conf.shim_cgroup);
  lines.number("stop_signal", conf.stop_signal);
  lines.number("stop_main_only", conf.stop_main_only ? 1 : 0);
  lines.number("stop_grace_ms", conf.stop_grace_ms);
  lines.number("restart", conf.restart ? 1 : 0);
  lines.number("timeout_ms", conf.timeout_ms);
  lines.number("oom_score_adj", conf.oom_score_adj);
  lines.number("backoff_first_ms", conf.backoff_first_ms);
  lines.number("backoff_ms_max", conf.backoff_ms_max);
  lines.number("stable_ms", conf.stable_ms);
  lines.number("crash_exits", conf.crash_exits);
  lines.number("crash_window_ms", conf.crash_window_ms);
  lines.number("log_bytes_max", static_cast<std::int64_t>(conf.log_bytes_max));
  lines.number("log_files_max", conf.log_files_max);
  return lines.out;
}

}  // namespace ecluse::shim
