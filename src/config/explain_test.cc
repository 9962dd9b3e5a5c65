#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <set>

#include "config/parse.h"

namespace ecluse::config {
namespace {

/// Lines that may stand at the top of a file or in an environment, each with the key it gives.
struct Fragment {
  const char* key;
  const char* value;
};
constexpr std::array<Fragment, 53> kShared{{
    {"build", "python"},
    {"build", "{python: requirements.txt, version: \"3.10\", run: [a, b]}"},
    {"build", "{node: 20, run: npm run build, per_environment: [A, B]}"},
    {"build", "{command: make, run: [make install, \"echo 'x: y' # z\"]}"},
    {"build", "{command: make}"},
    {"build", "{go: yes}"},
    {"build", "{version: \"20\"}"},
    {"build", "detect"},
    {"image", "ghcr.io/shop/shop:1.2"},
    {"dockerfile", "docker/Dockerfile"},
    {"checks", "[flake8, {run: pytest, coverage: 33.3333%, timeout: 1h 30s}]"},
    {"checks", "[]"},
    {"release", "[{run: migrate, backup: before, reversible: no}, seed]"},
    {"release", "[\"multi\\nline\\ttext \\\"quoted\\\"\"]"},
    {"processes", "{web: {command: \"serve 'a b' \\\\\"}}"},
    {"processes", "{web: {command: serve, instances: 3, ready: /x, live: {path: /y, fail: 9}}}"},
    {"processes", "{web: {command: s, websockets: [/ws, /socket.io]}}"},
    {"processes", "{web: {command: s, websockets: []}}"},
    {"processes", "{worker: {command: work, env: {A: \"\", B: \"no\", C: secret:D}}}"},
    {"processes", "{web: {command: s, static: {/s: a/b}, affinity: instance, root: x}}"},
    {"processes", "{api: {command: s, port: 80, routes: [/api, /v2], build: {node: yes}}}"},
    {"processes", "{web: {command: s, autoscale: {max: 4}, limits: {memory: 1.5GiB, cpus: 0.25}}}"},
    {"processes", "{web: {command: s, stop_grace: 1h, limits: {pids: 7}}}"},
    {"services", "{db: postgres, cache: redis}"},
    {"services", "{db: {kind: mariadb, version: \"10.11\", limits: {memory: 64MB}}}"},
    {"services", "{db: {url: secret:DATABASE_URL}}"},
    {"services", "{docs: {url: \"mongodb://h/db\"}}"},
    {"volumes", "{media: /app/media}"},
    {"volumes", "{other: /app/a b/c}"},
    {"cron", "{clean: {every: day at 03:00, run: clean}}"},
    {"cron", "{five: {every: \"*/5 * * * *\", run: clean}}"},
    {"approvers", "[admins, \"Jos\u00e9\"]"},
    {"protect", "[10.0.0.0/8, \"::1\"]"},
    {"protect", "{basic: secret:LOGIN, allow: [127.0.0.1]}"},
    {"tls", "local"},
    {"tls", "{source: acme, directory: https://ca.example/d, contact: a@b.c, redirect: no}"},
    {"tls", "{source: files, certificate: /x/a b.pem, key: /x/k, trusted: /t, hsts: 180d}"},
    {"pages", "{503: errors/503.html, maintenance: errors/back soon.html}"},
    {"canary", "{weights: [0.123456, 50%], hold: 90s, sticky: user}"},
    {"canary", "{abort_when: [errors > 5%, p95 > 2s, errors > 1.5x stable]}"},
    {"canary", "{inconclusive: ask, no_traffic: probe}"},
    {"bake", "0s"},
    {"bake", "1d 1m"},
    {"warm", "one"},
    {"drain", "1m 0.25s"},
    {"env", "{A: fr-fr, EMPTY: \"\", YES: \"yes\", NUMBER: 8000, TILDE: \"~\", HASH: \"a #b\"}"},
    {"env",
     "{B: secret:X, COLON: \"a: b\", STAR: \"*x\", UNICODE: \"\u00fc\u20ac\", DASH: \"- x\"}"},
    {"secrets", "[SECRET_KEY]"},
    {"backup", "{every: 6h, keep: 30d, to: s3://b/x, verify: weekly}"},
    {"monitor", "[{url: /, every: 1h, expect: {status: 200, contains: \"x: y\", warn_over: 3s}}]"},
    {"alerts", "[cpu > 80% for 5m -> slack, \"http.5xx > 10 per 1m -> slack, critical\"]"},
    {"waivers", "[{rule: DB-001, path: shop/, reason: \"old: goes\", until: \"2026-12-31\"}]"},
    {"notify", "{slack: {webhook: secret:HOOK}, email: {to: a@b.c, from: \"x\"}}"},
}};
constexpr std::array<Fragment, 5> kOfTheFirst{{
    {"deploy", "automatic"},
    {"branch", "release/1.x"},
    {"hosts", "[a.example.org, {www.a.example.org: redirect}, \"*.a.example.org\"]"},
    {"hosts", "[a.localhost]"},
    {"port", "8500"},
}};
constexpr std::array<Fragment, 5> kOfTheSecond{{
    {"deploy", "{confirm: SHIP}"},
    {"deploy", "approval"},
    {"promote_from", "one"},
    {"hosts", "[b.localhost]"},
    {"port", "8501"},
}};

std::string kind_of(std::string_view key) {
  return key == "image" || key == "dockerfile" ? "build" : std::string(key);
}

template <typename Fragments>
std::string some_of(const Fragments& fragments, const std::string& indent,
                    std::set<std::string> used = {}) {
  std::string out;
  const auto count = *rc::gen::inRange(0, 8);
  for (int i = 0; i < count; ++i) {
    const auto& [key, value] = fragments[static_cast<std::size_t>(
        *rc::gen::inRange(0, static_cast<int>(fragments.size())))];
    if (used.insert(kind_of(key)).second) out += fmt::format("{}{}: {}\n", indent, key, value);
  }
  return out;
}

/// Nearly always acceptable: two environments that overlay an app that has a process.
std::string random_file() {
  return "app: shop\nprocesses: {web: {command: serve}}\n" + some_of(kShared, "", {"processes"}) +
         "environments:\n  one:\n" + some_of(kShared, "    ") + some_of(kOfTheFirst, "    ") +
         "  two:\n" + some_of(kShared, "    ") + some_of(kOfTheSecond, "    ");
}

RC_GTEST_PROP(Explain, ParsesToTheSameSpec, ()) {
  const std::string text = random_file();
  const auto parsed = parse(text, "ecluse.yml");
  RC_PRE(parsed.has_value());
  const std::string explained = explain(*parsed);
  const auto again = parse(explained, "explained.yml");
  if (!again) RC_FAIL(text + "\n" + explained + "\n" + render(again.error(), explained));
  RC_ASSERT(again->spec == parsed->spec);
}

}  // namespace
}  // namespace ecluse::config
