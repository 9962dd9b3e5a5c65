#include "loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>

namespace ecluse::load {
namespace {

constexpr Micros kTick = 20'000;
// Shorter than any server keeps an idle connection: it is never the server that closes one just
// when we send, which no server could prevent.
constexpr Micros kIdleMax = 4'000'000;
constexpr Micros kNever = std::numeric_limits<Micros>::max();

std::set<std::string> split(std::string_view list) {
  std::set<std::string> out;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (comma > 0) out.emplace(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return out;
}

std::string reply(std::string_view command, Micros at) {
  return nlohmann::json{
      {"ok", true}, {"command", command}, {"at_ms", static_cast<double>(at) / 1e3}}
      .dump();
}

std::string refusal(std::string_view line) {
  return nlohmann::json{
      {"ok", false},
      {"error", fmt::format("'{}': expected phase NAME, allow 1,2, rate N, report "
                            "or stop",
                            line)}}
      .dump();
}

}  // namespace

Loader::Loader(Poller& poller, LoadOptions options)
    : poller_(poller), options_(std::move(options)), tally_(now_us()), prng_(options_.seed) {
  set_rate(options_.rate);
  for (std::size_t i = 0; i < options_.websockets; ++i)
    sessions_.push_back(std::make_unique<Session>(poller_, options_.target, tally_,
                                                  options_.mix.websocket_path(), options_.timeout));
}

void Loader::step(Micros until) {
  poller_.wait(std::min({until, next_arrival(), next_tick_}));
  const Micros now = now_us();
  launch_due(now);
  if (now >= next_tick_) tick(now);
}

std::string Loader::obey(std::string_view line) {
  const std::size_t space = std::min(line.find(' '), line.size());
  const std::string_view verb = line.substr(0, space);
  const std::string argument(line.substr(std::min(space + 1, line.size())));
  const Micros now = now_us();
  if (verb == "report") return report();
  if (verb == "phase" && !argument.empty()) {
    tally_.begin_phase(argument, now);
  } else if (verb == "allow") {
    tally_.allowed().set(now, split(argument));
  } else if (verb == "rate" && !argument.empty()) {
    set_rate(std::strtod(argument.c_str(), nullptr));
  } else if (verb == "stop") {
    stop();
  } else {
    return refusal(line);
  }
  return reply(line, now);
}

bool Loader::finished() const {
  const bool sessions_done = std::all_of(sessions_.begin(), sessions_.end(),
                                         [](const auto& session) { return session->finished(); });
  return stopping_ && sessions_done && tally_.in_flight() == 0;
}

Micros Loader::next_arrival() const {
  if (stopping_ || options_.rate <= 0) return kNever;
  return rate_since_ + static_cast<Micros>(static_cast<double>(arrivals_) * 1e6 / options_.rate);
}

void Loader::launch_due(Micros now) {
  for (Micros due = next_arrival(); due <= now; due = next_arrival()) {
    ++arrivals_;
    launch(due);
  }
}

void Loader::launch(Micros intended) {
  const Share& share = options_.mix.pick(prng_);
  Request request{next_id_++, share.kind, share.path, 0, intended, 0, {}};
  if (options_.people > 0)
    request.person = static_cast<std::uint32_t>(prng_.below(options_.people));
  tally_.sent(request, now_us());
  if (share.kind != Kind::kWebSocket) return launch_http(std::move(request));
  sessions_[next_session_++ % sessions_.size()]->say(std::move(request));
}

void Loader::launch_http(Request request) {
  Exchange* exchange = connection_for(request.kind);
  const Micros now = now_us();
  if (exchange == nullptr) return tally_.lost(request, Loss::kClientFull, 0, now);
  const bool slow = request.kind == Kind::kSlowRead;
  exchange->start(std::move(request), now + options_.timeout * (slow ? 4 : 1));
}

Exchange* Loader::connection_for(Kind kind) {
  if (kind == Kind::kGet || kind == Kind::kPost || kind == Kind::kSlow) {
    const auto idle = std::find_if(exchanges_.begin(), exchanges_.end(),
                                   [](const auto& exchange) { return exchange->reusable(); });
    if (idle != exchanges_.end()) return idle->get();
  }
  if (exchanges_.size() >= options_.connections_max) return nullptr;
  exchanges_.push_back(std::make_unique<Exchange>(poller_, options_.target, tally_));
  return exchanges_.back().get();
}

void Loader::tick(Micros now) {
  next_tick_ = now + kTick;
  for (auto& exchange : exchanges_) exchange->tick(now);
  for (auto& session : sessions_) session->tick(now, next_id_);
  std::erase_if(exchanges_, [now](const auto& exchange) {
    return !exchange->busy() && (!exchange->open() || now - exchange->idle_since() > kIdleMax);
  });
}

void Loader::set_rate(double rate) {
  options_.rate = rate;
  rate_since_ = now_us();
  arrivals_ = 0;
}

void Loader::stop() {
  stopping_ = true;
  for (auto& session : sessions_) session->stop();
}

}  // namespace ecluse::load
