// Whatever goes wrong between client, gateway and app: an answer is whole and right, or visibly
// broken. Each case is made of a seed, which the failure names.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/locked.h"
#include "base/prng.h"
#include "gateway/testing.h"

namespace ecluse::gateway {
namespace {

using namespace testing;

/// The same bytes for the same seed and size, on both sides.
std::string body_of_seed(std::uint64_t seed, std::size_t size) {
  Prng prng(seed);
  std::string body(size, '\0');
  for (char& c : body) c = static_cast<char>('a' + prng.below(26));
  return body;
}

/// Cuts `bytes` where the dice fall: single bytes, small pieces, large ones.
std::vector<std::string> slices_of(std::string_view bytes, Prng& prng) {
  std::vector<std::string> slices;
  const std::uint64_t most = std::array<std::uint64_t, 3>{1, 40, 9000}[prng.below(3)];
  while (!bytes.empty()) {
    // Beyond a few hundred pieces one-byte ones teach nothing more.
    const std::size_t n = slices.size() > 300 ? bytes.size() : 1 + prng.below(most);
    slices.emplace_back(bytes.substr(0, n));
    bytes.remove_prefix(std::min(n, bytes.size()));
  }
  return slices;
}

enum class Framing : std::uint8_t { kLength, kChunked, kUntilClose };
enum class End : std::uint8_t { kWhole, kTruncated, kReset };

struct Plan {
  explicit Plan(std::uint64_t seed) {
    Prng prng(seed);
    framing = static_cast<Framing>(prng.below(3));
    end = static_cast<End>(prng.below(3));
    body = body_of_seed(seed, prng.below(3) == 0 ? 150'000 : prng.below(2000) + 1);
    wire = head() + framed(prng);
    cut = end == End::kWhole ? wire.size() : prng.below(wire.size());
  }
  std::string head() const {
    const std::string start = "HTTP/1.1 200 OK\r\n";
    if (framing == Framing::kLength) {
      return start + fmt::format("Content-Length: {}\r\n\r\n", body.size());
    }
    if (framing == Framing::kChunked) return start + "Transfer-Encoding: chunked\r\n\r\n";
    return start + "Connection: close\r\n\r\n";
  }
  std::string framed(Prng& prng) const {
    if (framing != Framing::kChunked) return body;
    std::string out;
    for (std::size_t at = 0; at < body.size();) {
      const std::size_t n = std::min<std::size_t>(1 + prng.below(5000), body.size() - at);
      out += fmt::format("{:x}\r\n{}\r\n", n, body.substr(at, n));
      at += n;
    }
    return out + "0\r\n\r\n";
  }
  /// The end of the connection is the end of the body: whatever came is the whole.
  bool is_whole_by_definition() const {
    return framing == Framing::kUntilClose && end != End::kReset && cut >= head().size();
  }

  Framing framing{};
  End end{};
  std::string body;
  std::string wire;
  std::size_t cut = 0;
};

std::uint64_t seed_in(const std::string& request) {
  const std::size_t at = request.find("/seed/");
  return at == std::string::npos ? 0 : std::stoull(request.substr(at + 6));
}

/// Answers as the plan of the seed in the path says.
void serve_plan(RecordingApp::Peer& peer) {
  for (std::string request; !(request = peer.read_request()).empty();) {
    const Plan plan(seed_in(request));
    Prng prng(seed_in(request) + 1);
    for (const std::string& slice : slices_of(plan.wire.substr(0, plan.cut), prng)) {
      if (!peer.send(slice)) return;
    }
    if (plan.end == End::kReset) return peer.reset();
    if (plan.end == End::kTruncated || plan.framing == Framing::kUntilClose) return;
  }
}

struct Seen {
  bool is_whole = false;
  std::string body;
};

std::string unchunked(std::string_view text, bool& is_whole) {
  std::string body;
  is_whole = false;
  for (;;) {
    const std::size_t line = text.find("\r\n");
    if (line == std::string_view::npos) return body;
    const std::size_t n = std::stoul(std::string(text.substr(0, line)), nullptr, 16);
    if (n == 0) {
      is_whole = text == "0\r\n\r\n";
      return body;
    }
    if (text.size() < line + 2 + n + 2) return body;
    body += text.substr(line + 2, n);
    text.remove_prefix(line + 2 + n + 2);
  }
}

Seen seen_of(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  if (end == std::string::npos) return {};
  const std::string head = answer.substr(0, end + 2);
  Seen seen;
  if (head.find("Transfer-Encoding: chunked\r\n") != std::string::npos) {
    seen.body = unchunked(std::string_view(answer).substr(end + 4), seen.is_whole);
    return seen;
  }
  const std::size_t length = head.find("Content-Length: ");
  seen.body = answer.substr(end + 4);
  seen.is_whole =
      length != std::string::npos && seen.body.size() == std::stoul(head.substr(length + 16));
  return seen;
}

TEST(Chaos, AnAnswerIsWholeAndRightOrVisiblyBroken) {
  RecordingApp app(serve_plan);
  const Proxy proxy(app);
  std::map<int, int> statuses;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    const Plan plan(seed);
    const std::string answer = answer_to(
        proxy.port(),
        fmt::format("GET /seed/{} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", seed));
    const int status = status_of(answer);
    ++statuses[status];
    if (status == 502) {
      // The app had not said its whole head.
      EXPECT_NE(plan.end, End::kWhole);
      EXPECT_TRUE(plan.cut < plan.head().size() || plan.end == End::kReset);
      continue;
    }
    if (status == 0) continue;  // broken before a byte of it came
    ASSERT_EQ(status, 200);
    const Seen seen = seen_of(answer);
    EXPECT_EQ(seen.body, plan.body.substr(0, seen.body.size()));
    if (plan.end == End::kWhole) {
      EXPECT_TRUE(seen.is_whole);
      EXPECT_EQ(seen.body.size(), plan.body.size());
    } else if (seen.is_whole) {
      EXPECT_TRUE(seen.body.size() == plan.body.size() || plan.is_whole_by_definition());
    }
  }
  // The dice fell on every kind.
  EXPECT_GT(statuses[200], 50);
  EXPECT_GT(statuses[502], 0);
}

TEST(Chaos, TheAppTakesNoHalfRequestForAWholeOne) {
  Locked<std::map<std::uint64_t, std::string>> whole;
  RecordingApp app([&](RecordingApp::Peer& peer) {
    for (std::string request; !(request = peer.read_request()).empty();) {
      const std::size_t end = request.find("\r\n\r\n");
      whole.with([&](auto& all) { all[seed_in(request)] = request.substr(end + 4); });
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
  });
  const Proxy proxy(app);
  int completed = 0;
  for (std::uint64_t seed = 1; seed <= 80; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Prng prng(seed);
    const std::string body = body_of_seed(seed, 1 + prng.below(30'000));
    const std::string request =
        fmt::format("POST /seed/{} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{}", seed,
                    body.size(), body);
    const auto end = static_cast<End>(prng.below(3));
    const std::size_t cut = end == End::kWhole ? request.size() : prng.below(request.size() - 1);
    RawClient client(proxy.port());
    for (const std::string& slice : slices_of(request.substr(0, cut), prng)) {
      if (!client.send(slice)) break;
    }
    if (end == End::kReset) {
      client.reset();
      continue;
    }
    if (end == End::kTruncated) client.end_sending();
    const std::string answer = end == End::kWhole ? client.read_answer() : client.read_to_end();
    if (end == End::kWhole) {
      EXPECT_EQ(status_of(answer), 200);
      ++completed;
    } else {
      EXPECT_TRUE(answer.empty() || status_of(answer) == 400) << answer;
    }
  }
  EXPECT_GT(completed, 10);
  whole.with([&](const auto& all) {
    EXPECT_EQ(all.size(), static_cast<std::size_t>(completed));
    for (const auto& [seed, body] : all) {
      Prng prng(seed);
      EXPECT_EQ(body, body_of_seed(seed, 1 + prng.below(30'000))) << "seed " << seed;
    }
  });
}

}  // namespace
}  // namespace ecluse::gateway
