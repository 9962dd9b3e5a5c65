// What redaction costs: bytes per second over log lines, by number of secrets.
#include "secrets/redactor.h"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/prng.h"

namespace {
using ecluse::Prng;
using ecluse::secrets::NamedValue;
using ecluse::secrets::Redactor;

constexpr std::size_t kTextBytes = 32 << 20;

std::string letters(Prng& prng, std::size_t count) {
  std::string text;
  while (text.size() < count) text += static_cast<char>('!' + prng.below(90));
  return text;
}

std::vector<NamedValue> secrets(Prng& prng, int count) {
  std::vector<NamedValue> values;
  for (int i = 0; i < count; ++i) values.push_back({fmt::format("S{}", i), letters(prng, 33)});
  return values;
}

/// Access-log lines, one in a thousand with a secret.
std::string log_text(Prng& prng, const std::vector<NamedValue>& values) {
  std::string text;
  while (text.size() < kTextBytes) {
    const bool leaks = !values.empty() && prng.below(1000) == 0;
    const auto what = leaks ? values[prng.below(values.size())].value : letters(prng, 24);
    text += fmt::format(
        "10.83.0.1 - - [21/Nov/2026:02:15:22] \"GET /lettings/{}?q={} HTTP/1.1\" 200 {}\n",
        prng.below(1000), what, prng.below(100000));
  }
  return text;
}

double megabytes_per_second(const Redactor& redactor, const std::string& text) {
  const auto begin = std::chrono::steady_clock::now();
  std::size_t written = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at) + 1;
    written += redactor.redact(std::string_view(text).substr(at, end - at)).size();
    at = end;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return written == 0 ? 0 : static_cast<double>(text.size()) / 1e6 / took.count();
}
}  // namespace

int main() {
  Prng prng(1);
  fmt::print("{:>8}  {:>6}\n", "secrets", "MB/s");
  for (const int count : {0, 1, 10, 100, 1000}) {
    const auto values = secrets(prng, count);
    fmt::print("{:>8}  {:>6.0f}\n", count,
               megabytes_per_second(Redactor(values), log_text(prng, values)));
  }
  return 0;
}
