#include "judge/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"

namespace ecluse::judge {

namespace {
using Json = nlohmann::json;

constexpr double kLatencySecondsMax = 86'400;
/// Nesting of an event; ours is one deep, and a parser that recurses must not be led further.
constexpr int kDepthMax = 16;
constexpr std::string_view kEventForm =
    R"(one event a line: {"t": 12.5, "arm": "canary", "weight": 0.1, "client": "c17", )"
    R"("error": false, "latency_s": 0.08})";
constexpr std::string_view kObjectivesForm =
    R"({"alpha": 0.01, "beta": 0.05, "max_ratio": 3, "abort_when": ["errors > 5%", "p95 > 2s"]})";

tl::unexpected<Error> wrong(std::string_view field, std::string_view expected) {
  return fail(ErrorKind::kInvalid, fmt::format("\"{}\" must be {}", field, expected));
}

/// Of a field that occurs twice it is not known which one was meant.
Result<Json> parse_record(std::string_view text) {
  std::vector<std::set<std::string>> fields;
  std::string repeated;
  bool too_deep = false;
  const auto look = [&](int depth, Json::parse_event_t event, Json& value) {
    too_deep = too_deep || depth > kDepthMax;
    if (event == Json::parse_event_t::object_start) fields.emplace_back();
    if (event == Json::parse_event_t::object_end && !fields.empty()) fields.pop_back();
    if (event == Json::parse_event_t::key && !fields.empty() &&
        !fields.back().insert(value.get<std::string>()).second) {
      repeated = value.get<std::string>();
    }
    return !too_deep;
  };
  Json parsed = Json::parse(text, look, false);
  if (!repeated.empty()) {
    return fail(ErrorKind::kInvalid, fmt::format("\"{}\" is there twice", printable(repeated, 60)));
  }
  if (parsed.is_object() && !too_deep) return parsed;
  if (!is_valid_utf8(text)) {
    return fail(ErrorKind::kInvalid, "not a JSON record, nor any text in UTF-8");
  }
  return fail(ErrorKind::kInvalid, fmt::format("not a JSON record: {}", printable(text, 60)));
}

Result<double> number(const Json& record, const char* field, double low, double high) {
  const auto found = record.find(field);
  const bool fits = found != record.end() && found->is_number() && found->get<double>() >= low &&
                    found->get<double>() <= high;
  if (!fits) return wrong(field, fmt::format("a number from {:g} to {:g}", low, high));
  return found->get<double>();
}

Result<void> set_open_share(const Json& record, const char* field, double& into) {
  if (!record.contains(field)) return {};
  ECLUSE_ASSIGN(const double value, number(record, field, 0, 1));
  if (value == 0 || value == 1) return wrong(field, "between 0 and 1, without the ends");
  into = value;
  return {};
}

Result<std::vector<Objective>> parse_abort_when(const Json& list) {
  const std::string expected =
      fmt::format("a list of at most {} texts like \"errors > 5%\"", Objectives::kMax);
  if (!list.is_array() || list.size() > Objectives::kMax) return wrong("abort_when", expected);
  std::vector<std::string> texts;
  for (const Json& entry : list) {
    if (!entry.is_string()) return wrong("abort_when", expected);
    texts.push_back(entry.get<std::string>());
  }
  return objectives_of(texts);
}

Result<void> only_known_fields(const Json& record) {
  static const std::vector<std::string> kKnown = {"alpha", "beta", "max_ratio", "abort_when"};
  for (const auto& [field, value] : record.items()) {
    if (std::ranges::find(kKnown, field) != kKnown.end()) continue;
    const auto near = nearest(field, kKnown);
    return fail(ErrorKind::kInvalid, fmt::format("unknown field \"{}\"", printable(field, 60)),
                near ? fmt::format("did you mean \"{}\"?", *near) : std::string(kObjectivesForm));
  }
  return {};
}

/// FNV-1a (Fowler, Noll, Vo): only to name a client in a trace that its owner wrote; the gateway's
/// records carry a keyed hash.
std::uint64_t client_of(std::string_view name) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

Result<bool> flag(const Json& record, const char* field, bool required) {
  const auto found = record.find(field);
  if (found == record.end() && !required) return false;
  if (found == record.end() || !found->is_boolean()) return wrong(field, "true or false");
  return found->get<bool>();
}

Result<Arm> arm_of(const Json& record) {
  const auto found = record.find("arm");
  if (found != record.end() && *found == "canary") return Arm::kCanary;
  if (found != record.end() && *found == "stable") return Arm::kStable;
  return wrong("arm", "\"canary\" or \"stable\"");
}

Result<std::optional<std::uint64_t>> client_field(const Json& record) {
  const auto found = record.find("client");
  if (found == record.end() || found->is_null()) return std::optional<std::uint64_t>{};
  if (found->is_string()) return client_of(found->get<std::string>());
  if (found->is_number_integer()) return client_of(found->dump());
  return wrong("client", "a text or a whole number");
}

/// Rounded up, so that 2.0001 s is over a limit of 2 s; but 1.1 s, which no double is, stays 1.1 s.
Duration rounded_up(double seconds) {
  return Duration(static_cast<std::int64_t>(std::ceil(seconds * 1000 - 1e-6)));
}

Result<Duration> latency_of(const Json& record, bool required) {
  if (!required && !record.contains("latency_s")) return Duration::zero();
  ECLUSE_ASSIGN(const double latency_s, number(record, "latency_s", 0, kLatencySecondsMax));
  return rounded_up(latency_s);
}

/// Lines in the order of completion would be judged wrongly, so they are refused.
Result<void> in_order(const Json& record, double& newest) {
  if (!record.contains("t")) return {};
  constexpr double kMost = std::numeric_limits<double>::max();
  ECLUSE_ASSIGN(const double t, number(record, "t", -kMost, kMost));
  if (t < newest) {
    return fail(ErrorKind::kInvalid, fmt::format("\"t\" goes back from {:g} to {:g}", newest, t),
                "lines must be in the order of arrival, and \"t\" the time of arrival: sort them "
                "by it");
  }
  newest = t;
  return {};
}
}  // namespace

Result<Objectives> parse_objectives(std::string_view json) {
  auto record = parse_record(json);
  if (!record)
    return fail(record.error().kind, record.error().message, std::string(kObjectivesForm));
  ECLUSE_TRY(only_known_fields(*record));
  Objectives objectives;
  ECLUSE_TRY(set_open_share(*record, "alpha", objectives.alpha));
  ECLUSE_TRY(set_open_share(*record, "beta", objectives.beta));
  if (record->contains("max_ratio")) {
    ECLUSE_ASSIGN(objectives.max_ratio, number(*record, "max_ratio", 1.01, 1000));
  }
  if (record->contains("abort_when")) {
    ECLUSE_ASSIGN(objectives.abort_when, parse_abort_when((*record)["abort_when"]));
  }
  return objectives;
}

Trace::Trace(std::istream& events, const Objectives& objectives)
    : events_(events),
      needs_latency_(std::ranges::any_of(
          objectives.abort_when, [](const auto& o) { return o.metric == Metric::kLatency; })),
      newest_t_(-std::numeric_limits<double>::infinity()) {}

/// False at the end. A line without an end takes no more memory than kLineBytesMax.
Result<bool> Trace::read_line() {
  line_.clear();
  line_number_ += 1;
  auto* const bytes = events_.rdbuf();
  for (int c = bytes->sbumpc(); c != std::char_traits<char>::eof(); c = bytes->sbumpc()) {
    if (c == '\n') return true;
    if (line_.size() == kLineBytesMax) {
      return fail(ErrorKind::kInvalid,
                  fmt::format("longer than the {} bytes of an event", kLineBytesMax));
    }
    line_.push_back(static_cast<char>(c));
  }
  return !line_.empty();
}

Result<Request> Trace::parse() {
  ECLUSE_ASSIGN(const Json record, parse_record(line_));
  ECLUSE_TRY(in_order(record, newest_t_));
  Request request;
  ECLUSE_ASSIGN(request.arm, arm_of(record));
  ECLUSE_ASSIGN(request.weight, number(record, "weight", 0, 1));
  ECLUSE_ASSIGN(request.client, client_field(record));
  ECLUSE_ASSIGN(request.error, flag(record, "error", true));
  ECLUSE_ASSIGN(request.crashed, flag(record, "crashed", false));
  request.error = request.error || request.crashed;
  ECLUSE_ASSIGN(request.latency, latency_of(record, needs_latency_));
  return request;
}

Result<std::optional<Request>> Trace::next() {
  const auto blamed = [this](Error error) {
    if (error.hint.empty()) error.hint = kEventForm;
    return fail(in_context(fmt::format("line {}", line_number_), std::move(error)));
  };
  for (;;) {
    const auto more = read_line();
    if (!more) return blamed(more.error());
    if (!*more) return std::optional<Request>{};
    if (!trim(line_).empty()) break;
  }
  auto request = parse();
  if (!request) return blamed(std::move(request).error());
  return std::optional<Request>(*request);
}

}  // namespace ecluse::judge
