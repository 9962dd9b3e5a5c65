#include "artifact/workshop.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "artifact/explain.h"
#include "artifact/tree.h"
#include "base/text.h"
#include "os/file.h"

extern char** environ;

namespace ecluse::artifact {

namespace fs = std::filesystem;

namespace {
constexpr std::size_t kLastLinesMax = 30;

/// Where packages come from and how this machine reaches them. Everything else of the daemon's
/// environment stays with the daemon.
constexpr std::array<std::string_view, 12> kPassedOnPrefixes = {
    "PIP_",    "npm_config_", "NPM_CONFIG_", "UV_",       "POETRY_", "GOPROXY",
    "GOSUMDB", "GONOSUM",     "GONOPROXY",   "GOPRIVATE", "GOFLAGS", "GOTOOLCHAIN"};
constexpr std::array<std::string_view, 16> kPassedOn = {
    "http_proxy",     "https_proxy",        "HTTP_PROXY",          "HTTPS_PROXY",    "no_proxy",
    "NO_PROXY",       "all_proxy",          "ALL_PROXY",           "SSL_CERT_FILE",  "SSL_CERT_DIR",
    "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO", "GOINSECURE",
    "GOMIRROR"};

bool is_passed_on(std::string_view name) {
  for (const auto prefix : kPassedOnPrefixes) {
    if (name.starts_with(prefix)) return true;
  }
  return std::find(kPassedOn.begin(), kPassedOn.end(), name) != kPassedOn.end();
}

std::map<std::string, std::string> machine_settings() {
  std::map<std::string, std::string> settings;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || !is_passed_on(text.substr(0, equals))) continue;
    settings.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return settings;
}

fs::path home_of_daemon() {
  const char* home = std::getenv("HOME");
  return home == nullptr ? "/root" : home;
}
}  // namespace

Workshop::Workshop(Place place, ports::LineSink sink)
    : place_(std::move(place)), sink_(std::move(sink)), layers_(place_.cache, place_.uid) {
  env_ = machine_settings();
  const std::string home = inside_tmp("home");
  const std::map<std::string, std::string> ours = {
      {"HOME", home},
      {"USER", "build"},
      {"LOGNAME", "build"},
      {"LANG", "C.UTF-8"},
      {"TMPDIR", inside_tmp("")},
      {"PIP_CACHE_DIR", inside_tmp("cache/pip")},
      {"UV_CACHE_DIR", inside_tmp("cache/uv")},
      {"npm_config_cache", inside_tmp("cache/npm")},
      {"GOCACHE", inside_tmp("cache/go-build")},
      {"GOMODCACHE", inside_tmp("cache/go-mod")},
      {"GOPATH", home + "/go"},
      {"XDG_CACHE_HOME", inside_tmp("cache/other")},
      // So that the same inputs give the same bytes, whenever and in whatever order they are built.
      {"PYTHONDONTWRITEBYTECODE", "1"},
      {"PYTHONHASHSEED", "0"},
      {"SOURCE_DATE_EPOCH", "315532800"},
      {"PIP_DISABLE_PIP_VERSION_CHECK", "1"},
      {"PIP_NO_INPUT", "1"},
      {"GIT_TERMINAL_PROMPT", "0"}};
  for (const auto& [name, value] : ours) env_[name] = value;
  env_["PATH"] = fmt::format(
      "{}:{}:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:"
      "/usr/bin:/sbin:/bin",
      inside(".venv/bin"), inside("node_modules/.bin"));
}

fs::path Workshop::folder(const std::string& root) const {
  return root.empty() ? place_.tree : place_.tree / root;
}
std::string Workshop::inside(const std::string& path) const {
  const std::string top = app_place(sandbox());
  return path.empty() ? top : top + "/" + path;
}
std::string Workshop::inside_tmp(const std::string& path) const {
  const std::string top = tmp_place(sandbox());
  return path.empty() ? top : top + "/" + path;
}

Sandbox Workshop::sandbox(ToolsAccess tools) const {
  return {.app = place_.tree,
          .tmp = place_.tmp,
          .binds = {{place_.cache / "downloads", "/tmp/cache"},
                    {place_.tools, "/tmp/tools", tools == ToolsAccess::kWrite}},
          .hidden = {place_.data},
          .uid = place_.uid,
          .bounds = place_.bounds};
}

void Workshop::say(std::string_view line) {
  sink_(line);
}

Result<void> Workshop::copy_settings() {
  const fs::path from = home_of_daemon();
  const fs::path to = place_.tmp / "home";
  constexpr std::array<std::string_view, 6> kFiles = {
      ".config/pip/pip.conf", ".pip/pip.conf",     ".npmrc", ".netrc",
      ".config/go/env",       ".config/uv/uv.toml"};
  for (const auto file : kFiles) {
    const auto text = os::read_file(from / file, 1 << 16);
    if (!text) continue;  // most machines have none of them
    ECLUSE_TRY(os::make_folder((to / file).parent_path()));
    ECLUSE_TRY(os::replace_file(to / file, *text, 0400));
  }
  return {};
}

Result<void> Workshop::open() {
  const fs::path downloads = place_.cache / "downloads";
  ECLUSE_TRY(os::make_folder(place_.tools));
  ECLUSE_TRY(os::make_folder(downloads, 0700));
  ECLUSE_TRY(os::make_folder(place_.tmp / "home"));
  ECLUSE_TRY(copy_settings());
  if (!is_private()) {
    say("warning: without root the build runs as our own user, in its own folder, unconfined");
    return {};
  }
  for (const fs::path& shared : {downloads, place_.tools}) {
    if (::chown(shared.c_str(), place_.uid, place_.uid) != 0) {
      return fail(from_errno(errno, "giving the caches to the build's user"));
    }
  }
  ECLUSE_TRY(give_to(place_.tmp, place_.uid));
  return give_to(place_.tree, place_.uid);
}

Result<int> Workshop::attempt(const Step& step) {
  auto env = env_;
  for (const auto& [name, value] : step.env) env[name] = value;
  last_lines_.clear();
  telling_.clear();
  const auto relay = [&](std::string_view line) {
    if (last_lines_.size() == kLastLinesMax) last_lines_.pop_front();
    last_lines_.emplace_back(line);
    if (telling_.empty() && is_telling(line)) telling_ = line;
    sink_(line);
  };
  const auto timeout = step.timeout.count() > 0 ? step.timeout : place_.timeout;
  auto code = run_in(sandbox(step.tools), {step.argv, env, inside(step.root), timeout}, relay);
  if (!code) return fail(in_context(step.what, std::move(code).error()));
  return code;
}

Result<void> Workshop::run(const Step& step) {
  ECLUSE_ASSIGN(const int code, attempt(step));
  if (code == 0) return {};
  auto lines = last_lines_;
  // npm tells what is wrong, and then how it is called.
  if (!telling_.empty() && std::ranges::find(lines, telling_) == lines.end())
    lines.push_front(telling_);
  return fail(in_context(step.what, explain_failure(code, lines)));
}

Result<void> Workshop::run_line(const std::string& line, const std::string& root) {
  say(fmt::format("$ {}", line));
  return run({.what = fmt::format("`{}`", line), .argv = {"/bin/sh", "-c", line}, .root = root});
}

}  // namespace ecluse::artifact
