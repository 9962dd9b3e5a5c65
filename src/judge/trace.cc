#include "judge/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"
#include "judge/event_line.h"

namespace ecluse::judge {

namespace {
using Json = nlohmann::json;

constexpr std::string_view kCanary = "canary";
constexpr std::string_view kStable = "stable";
constexpr double kLatencySecondsMax = 86'400;
/// Nesting of an event; ours is one deep, and a parser that recurses must not be led further.
constexpr int kDepthMax = 16;
constexpr std::string_view kEventForm =
    R"(one event a line: {"t": 12.5, "arm": "canary", "weight": 0.1, "client": "c17", )"
    R"("error": false, "latency_s": 0.08})";
constexpr std::string_view kObjectivesForm =
    R"({"alpha": 0.01, "beta": 0.05, "max_ratio": 3, "abort_when": ["errors > 5%", "p95 > 2s"]})";

tl::unexpected<Error> must_be(std::string_view field, std::string_view expected) {
  return fail(ErrorKind::kInvalid, fmt::format("\"{}\" must be {}", field, expected));
}

/// A JSON record, and where in its text the newest error is.
class Record {
 public:
  explicit Record(std::string_view text) : text_(text) {}

  /// Of a field that occurs twice it is not known which one was meant.
  Result<void> parse();
  bool has(const char* field) const { return json_.contains(field); }
  /// Null when it is absent.
  const Json* find(const char* field) const {
    const auto found = json_.find(field);
    return found == json_.end() ? nullptr : &*found;
  }
  auto items() const { return json_.items(); }
  Result<double> number(const char* field, double low, double high);
  Result<bool> flag(const char* field, bool required);
  tl::unexpected<Error> wrong(std::string_view field, std::string_view expected) {
    blame(field);
    return must_be(field, expected);
  }
  void blame(std::string_view field);

  /// Counted from 1, in bytes.
  std::size_t line() const {
    return 1 + static_cast<std::size_t>(std::ranges::count(text_.substr(0, at_), '\n'));
  }
  std::size_t column() const { return at_ - (text_.substr(0, at_).rfind('\n') + 1) + 1; }

 private:
  tl::unexpected<Error> refused() const;

  std::string_view text_;
  Json json_;
  std::size_t at_ = 0;
};

Result<void> Record::parse() {
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
  try {
    json_ = Json::parse(text_, look);
  } catch (const Json::parse_error& error) {
    at_ = std::min(text_.size(), error.byte - std::min<std::size_t>(error.byte, 1));
    return refused();
  } catch (const Json::exception&) {  // a number that no double holds
    return refused();
  }
  if (!repeated.empty()) {
    blame(repeated);
    return fail(ErrorKind::kInvalid, fmt::format("\"{}\" is there twice", printable(repeated, 60)));
  }
  if (json_.is_object() && !too_deep) return {};
  return refused();
}

tl::unexpected<Error> Record::refused() const {
  if (!is_valid_utf8(text_))
    return fail(ErrorKind::kInvalid, "not a JSON record, nor any text in UTF-8");
  return fail(ErrorKind::kInvalid, fmt::format("not a JSON record: {}", printable(text_, 60)));
}

/// At the field's value; of one that is absent, at the beginning.
void Record::blame(std::string_view field) {
  const auto key = fmt::format("\"{}\"", field);
  const auto found = text_.rfind(key);
  if (found == std::string_view::npos) return;
  at_ = std::min(text_.find_first_not_of(" \t:", found + key.size()), text_.size());
}

Result<double> Record::number(const char* field, double low, double high) {
  const Json* found = find(field);
  const bool fits = found != nullptr && found->is_number() && found->get<double>() >= low &&
                    found->get<double>() <= high;
  if (!fits) return wrong(field, fmt::format("a number from {:g} to {:g}", low, high));
  return found->get<double>();
}

Result<bool> Record::flag(const char* field, bool required) {
  const Json* found = find(field);
  if (found == nullptr && !required) return false;
  if (found == nullptr || !found->is_boolean()) return wrong(field, "true or false");
  return found->get<bool>();
}

Result<void> set_open_share(Record& record, const char* field, double& into) {
  if (!record.has(field)) return {};
  ECLUSE_ASSIGN(const double value, record.number(field, 0, 1));
  if (value == 0 || value == 1) return record.wrong(field, "between 0 and 1, without the ends");
  into = value;
  return {};
}

Result<std::vector<Objective>> parse_abort_when(Record& record) {
  const std::string expected =
      fmt::format("a list of at most {} texts like \"errors > 5%\"", Objectives::kMax);
  const Json& list = *record.find("abort_when");
  if (!list.is_array() || list.size() > Objectives::kMax)
    return record.wrong("abort_when", expected);
  std::vector<std::string> texts;
  for (const Json& entry : list) {
    if (!entry.is_string()) return record.wrong("abort_when", expected);
    texts.push_back(entry.get<std::string>());
  }
  record.blame("abort_when");
  return objectives_of(texts);
}

Result<void> only_known_fields(Record& record) {
  static const std::vector<std::string> kKnown = {"alpha", "beta", "max_ratio", "abort_when"};
  for (const auto& [field, value] : record.items()) {
    if (std::ranges::find(kKnown, field) != kKnown.end()) continue;
    const auto near = nearest(field, kKnown);
    record.blame(field);
    return fail(ErrorKind::kInvalid, fmt::format("unknown field \"{}\"", printable(field, 60)),
                near ? fmt::format("did you mean \"{}\"?", *near) : std::string(kObjectivesForm));
  }
  return {};
}

Result<Objectives> objectives_from(Record& record) {
  ECLUSE_TRY(record.parse());
  ECLUSE_TRY(only_known_fields(record));
  Objectives objectives;
  ECLUSE_TRY(set_open_share(record, "alpha", objectives.alpha));
  ECLUSE_TRY(set_open_share(record, "beta", objectives.beta));
  if (record.has("max_ratio")) {
    ECLUSE_ASSIGN(objectives.max_ratio, record.number("max_ratio", 1.01, 1000));
  }
  if (record.has("abort_when")) {
    ECLUSE_ASSIGN(objectives.abort_when, parse_abort_when(record));
  }
  return objectives;
}

/// FNV-1a (Fowler, Noll, Vo): only to name a client in a trace that its owner wrote; the gateway's
/// records carry a keyed hash.
std::uint64_t client_of(std::string_view name) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

Result<Arm> arm_of(Record& record) {
  const Json* found = record.find("arm");
  if (found != nullptr && *found == kCanary) return Arm::kCanary;
  if (found != nullptr && *found == kStable) return Arm::kStable;
  return record.wrong("arm", "\"canary\" or \"stable\"");
}

Result<std::optional<std::uint64_t>> client_field(Record& record) {
  const Json* found = record.find("client");
  if (found == nullptr || found->is_null()) return std::optional<std::uint64_t>{};
  if (found->is_string()) return client_of(found->get<std::string>());
  if (found->is_number_integer()) return client_of(found->dump());
  return record.wrong("client", "a text or a whole number");
}

/// Rounded up, so that 2.0001 s is over a limit of 2 s; but 1.1 s, which no double is, stays 1.1 s.
Duration rounded_up(double seconds) {
  return Duration(static_cast<std::int64_t>(std::ceil(seconds * 1000 - 1e-6)));
}

Result<Duration> latency_of(Record& record, bool required) {
  if (!required && !record.has("latency_s")) return Duration::zero();
  ECLUSE_ASSIGN(const double latency_s, record.number("latency_s", 0, kLatencySecondsMax));
  return rounded_up(latency_s);
}

/// Lines in the order of completion would be judged wrongly, so they are refused.
Result<void> in_order(Record& record, double& newest) {
  if (!record.has("t")) return {};
  constexpr double kMost = std::numeric_limits<double>::max();
  ECLUSE_ASSIGN(const double t, record.number("t", -kMost, kMost));
  if (t < newest) {
    record.blame("t");
    return fail(ErrorKind::kInvalid, fmt::format("\"t\" goes back from {:g} to {:g}", newest, t),
                "lines must be in the order of arrival, and \"t\" the time of arrival: sort them "
                "by it");
  }
  newest = t;
  return {};
}

/// With the careful parser, whose errors people read.
Result<Request> request_of(Record& record, bool needs_latency, double& newest_t) {
  ECLUSE_TRY(record.parse());
  ECLUSE_TRY(in_order(record, newest_t));
  Request request;
  ECLUSE_ASSIGN(request.arm, arm_of(record));
  ECLUSE_ASSIGN(request.weight, record.number("weight", 0, 1));
  ECLUSE_ASSIGN(request.client, client_field(record));
  ECLUSE_ASSIGN(request.error, record.flag("error", true));
  ECLUSE_ASSIGN(request.crashed, record.flag("crashed", false));
  request.error = request.error || request.crashed;
  ECLUSE_ASSIGN(request.latency, latency_of(record, needs_latency));
  return request;
}

/// Of a line that is right; nothing where anything is missing, odd or out of range.
std::optional<Request> request_of(const EventLine& line, bool needs_latency, double newest_t) {
  const bool has_all = line.arm && line.weight && line.error && (line.latency_s || !needs_latency);
  if (!has_all || line.t.value_or(newest_t) < newest_t) return std::nullopt;
  const double latency_s = line.latency_s.value_or(0);
  const bool fits = *line.weight >= 0 && *line.weight <= 1 && latency_s >= 0 &&
                    latency_s <= kLatencySecondsMax &&
                    (*line.arm == kCanary || *line.arm == kStable);
  if (!fits) return std::nullopt;
  Request request{.arm = *line.arm == kCanary ? Arm::kCanary : Arm::kStable,
                  .weight = *line.weight,
                  .client = {},
                  .error = *line.error || line.crashed.value_or(false),
                  .crashed = line.crashed.value_or(false),
                  .latency = rounded_up(latency_s)};
  if (line.client) request.client = client_of(*line.client);
  return request;
}
}  // namespace

Result<Objectives> parse_objectives(std::string_view json) {
  Record record(json);
  auto objectives = objectives_from(record);
  if (objectives) return objectives;
  auto error = std::move(objectives).error();
  if (error.hint.empty()) error.hint = kObjectivesForm;
  return fail(in_context(fmt::format("{}:{}", record.line(), record.column()), std::move(error)));
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
  if (const auto simple = read_simple(line_)) {
    if (const auto request = request_of(*simple, needs_latency_, newest_t_)) {
      newest_t_ = simple->t.value_or(newest_t_);
      return *request;
    }
  }
  Record record(line_);
  auto request = request_of(record, needs_latency_, newest_t_);
  if (!request) column_ = record.column();
  return request;
}

Result<std::optional<Request>> Trace::next() {
  const auto blamed = [this](Error error) {
    if (error.hint.empty()) error.hint = kEventForm;
    return fail(
        in_context(fmt::format("line {}, column {}", line_number_, column_), std::move(error)));
  };
  for (;;) {
    column_ = 1;
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
