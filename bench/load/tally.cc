#include "tally.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

namespace ecluse::load {
namespace {

using nlohmann::json;

constexpr std::size_t kLossesMax = 2000;

double ms(Micros us) {
  return static_cast<double>(us) / 1000.0;
}

bool is_gateway_error(const Answer& answer) {
  return answer.app_release.empty() && answer.status >= 502 && answer.status <= 504;
}

json latency_json(const Histogram& latency) {
  return {{"p50", latency.percentile_ms(0.5)},
          {"p90", latency.percentile_ms(0.9)},
          {"p99", latency.percentile_ms(0.99)},
          {"p999", latency.percentile_ms(0.999)},
          {"max", latency.max_ms()},
          {"count", latency.count()}};
}

std::vector<double> in_order_ms(const std::vector<Micros>& times) {
  std::vector<double> out;
  for (const Micros at : times) out.push_back(ms(at));
  std::ranges::sort(out);
  return out;
}

json releases_json(const std::map<std::string, ReleaseCount>& releases) {
  json out = json::object();
  for (const auto& [name, count] : releases)
    out[name.empty() ? "unstamped" : name] = {{"answered", count.answered},
                                              {"first_sent_ms", ms(count.first_sent)},
                                              {"last_sent_ms", ms(count.last_sent)},
                                              {"sent_ms", in_order_ms(count.sent)}};
  return out;
}

json phase_json(const Phase& phase) {
  json lost = json::object(), status = json::object(), kind = json::object();
  for (const auto& [loss, count] : phase.lost) lost[std::string(to_string(loss))] = count;
  for (const auto& [code, count] : phase.status) status[std::to_string(code)] = count;
  for (const auto& [name, count] : phase.kind) kind[std::string(to_string(name))] = count;
  return {{"name", phase.name},
          {"began_ms", ms(phase.began)},
          {"ended_ms", ms(phase.ended)},
          {"first_answer_ms", ms(phase.first_answer)},
          {"sent", phase.sent},
          {"answered", phase.answered},
          {"lost", phase.lost_total()},
          {"in_flight", phase.sent - phase.answered - phase.lost_total()},
          {"wrong_release", phase.wrong_release},
          {"stamp_mismatch", phase.stamp_mismatch},
          {"errors_5xx", phase.errors_5xx},
          {"lost_by", lost},
          {"status", status},
          {"kind", kind},
          {"release", releases_json(phase.release)},
          {"latency_ms", latency_json(phase.latency)},
          {"send_lag_ms_max", ms(phase.lag_max)}};
}

json loss_json(const LossRecord& record, const std::deque<Phase>& phases) {
  return {{"loss", std::string(to_string(record.loss))},
          {"phase", phases[record.request.phase].name},
          {"kind", std::string(to_string(record.request.kind))},
          {"path", record.request.path},
          {"connected_ms", ms(record.connected)},
          {"sent_ms", ms(record.request.sent)},
          {"lost_ms", ms(record.lost)}};
}

void merge(ReleaseCount& into, const ReleaseCount& from) {
  if (into.answered == 0 || from.first_sent < into.first_sent) into.first_sent = from.first_sent;
  into.last_sent = std::max(into.last_sent, from.last_sent);
  into.answered += from.answered;
  const auto room = ReleaseCount::kSentMax - into.sent.size();
  const auto end =
      from.sent.begin() + static_cast<std::ptrdiff_t>(std::min(room, from.sent.size()));
  into.sent.insert(into.sent.end(), from.sent.begin(), end);
}

void merge(Phase& total, const Phase& phase) {
  total.sent += phase.sent;
  total.answered += phase.answered;
  total.wrong_release += phase.wrong_release;
  total.stamp_mismatch += phase.stamp_mismatch;
  total.errors_5xx += phase.errors_5xx;
  total.lag_max = std::max(total.lag_max, phase.lag_max);
  for (const auto& [loss, count] : phase.lost) total.lost[loss] += count;
  for (const auto& [code, count] : phase.status) total.status[code] += count;
  for (const auto& [kind, count] : phase.kind) total.kind[kind] += count;
  for (const auto& [release, count] : phase.release) merge(total.release[release], count);
  total.latency += phase.latency;
}

}  // namespace

Micros now_us() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<Micros>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
}

std::string_view to_string(Loss loss) {
  switch (loss) {
    case Loss::kRefused:
      return "refused";
    case Loss::kConnect:
      return "connect";
    case Loss::kReset:
      return "reset";
    case Loss::kClosed:
      return "closed";
    case Loss::kTruncated:
      return "truncated";
    case Loss::kTimeout:
      return "timeout";
    case Loss::kMalformed:
      return "malformed";
    case Loss::kMixed:
      return "mixed";
    case Loss::kGatewayError:
      return "gateway_error";
    case Loss::kWebSocket:
      return "websocket";
    case Loss::kClientFull:
      return "client_full";
  }
  return "?";
}

std::uint64_t Phase::lost_total() const {
  std::uint64_t total = 0;
  for (const auto& [loss, count] : lost) total += count;
  return total;
}

void AllowedReleases::set(Micros at, std::set<std::string> releases) {
  history_.push_back({at, std::move(releases)});
}

bool AllowedReleases::allows(const std::string& release, Micros from, Micros to) const {
  if (history_.empty() || from < history_.front().at) return true;
  for (auto since = history_.rbegin(); since != history_.rend(); ++since) {
    if (since->at > to) continue;
    if (since->releases.empty() || since->releases.contains(release)) return true;
    if (since->at <= from) return false;
  }
  return false;
}

Tally::Tally(Micros began) {
  begin_phase("start", began);
}

void Tally::begin_phase(const std::string& name, Micros at) {
  if (!phases_.empty()) phases_.back().ended = at;
  phases_.emplace_back();
  phases_.back().name = name;
  phases_.back().began = at;
}

void Tally::sent(Request& request, Micros at) {
  Phase& phase = phases_.back();
  request.phase = phases_.size() - 1;
  request.sent = at;
  ++phase.sent;
  ++phase.kind[request.kind];
  phase.lag_max = std::max(phase.lag_max, at - request.intended);
}

void Tally::stamp(const Request& request, const Answer& answer, Micros at) {
  Phase& phase = phases_[request.phase];
  const std::string& who = answer.app_release.empty() ? answer.release : answer.app_release;
  ++phase.status[answer.status];
  phase.latency.add(at - request.intended);
  if (phase.first_answer == 0) phase.first_answer = at;
  merge(phase.release[who], {1, request.sent, request.sent, {request.sent}});
  if (!answer.app_release.empty() && !answer.release.empty() &&
      answer.app_release != answer.release)
    ++phase.stamp_mismatch;
  if (!who.empty() && !allowed_.allows(who, request.sent, at)) ++phase.wrong_release;
}

void Tally::answered(const Request& request, const Answer& answer, Micros at) {
  if (is_gateway_error(answer)) return lost(request, Loss::kGatewayError, request.sent, at);
  if (!answer.load_id.empty() && answer.load_id != std::to_string(request.id))
    return lost(request, Loss::kMixed, request.sent, at);
  stamp(request, answer, at);
  Phase& phase = phases_[request.phase];
  ++phase.answered;
  const bool is_error = answer.status >= 500;
  if (is_error) ++phase.errors_5xx;
  if (!request.person) return;
  Person& person = people_[*request.person];
  person.releases.insert(answer.app_release.empty() ? answer.release : answer.app_release);
  if (is_error) ++person.errors[request.phase];
}

std::map<std::string, std::uint64_t> Tally::errors_inside(std::size_t phase) const {
  std::map<std::string, std::uint64_t> inside;
  for (const auto& [name, person] : people_) {
    const auto errors = person.errors.find(phase);
    if (errors == person.errors.end()) continue;
    for (const std::string& release : person.releases) inside[release] += errors->second;
  }
  return inside;
}

void Tally::lost(const Request& request, Loss loss, Micros connected, Micros at) {
  ++phases_[request.phase].lost[loss];
  if (losses_.size() < kLossesMax) losses_.push_back({loss, request, connected, at});
}

void Tally::websocket_opened(const Request& request, const Answer& answer, Micros at) {
  ++websockets_opened_;
  stamp(request, answer, at);
}

void Tally::websocket_ended(const Request& request) {
  ++phases_[request.phase].answered;
}

std::uint64_t Tally::in_flight() const {
  std::uint64_t open = 0;
  for (const Phase& phase : phases_) open += phase.sent - phase.answered - phase.lost_total();
  return open;
}

std::string Tally::report(Micros at) const {
  Phase total;
  total.name = "all";
  total.began = phases_.front().began;
  total.ended = at;
  json phases = json::array(), losses = json::array();
  for (std::size_t i = 0; i < phases_.size(); ++i) {
    merge(total, phases_[i]);
    phases.push_back(phase_json(phases_[i]));
    if (!people_.empty()) phases.back()["errors_inside"] = errors_inside(i);
  }
  for (const LossRecord& record : losses_) losses.push_back(loss_json(record, phases_));
  json out = phase_json(total);
  out["requests_sent"] = total.sent;
  out["requests_answered"] = total.answered;
  out["requests_lost"] = total.lost_total();
  out["phases"] = std::move(phases);
  out["losses"] = std::move(losses);
  out["websocket"] = {{"opened", websockets_opened_},
                      {"drained", websockets_drained_},
                      {"messages_resent", messages_resent_}};
  return out.dump();
}

}  // namespace ecluse::load
