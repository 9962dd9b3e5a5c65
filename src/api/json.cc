#include "api/json.h"

#include <fmt/format.h>

#include <concepts>
#include <ctime>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <type_traits>
#include <vector>

#include "api/fields.h"
#include "api/wire.h"
#include "base/text.h"
#include "control/operations.h"

namespace ecluse::api {

namespace {

using nlohmann::ordered_json;
constexpr int kJsonDepthMax = 32;

// ---- Writing ------------------------------------------------------------------------------------

class Writer {
 public:
  explicit Writer(const Redactor& redact) : redact_(redact) {}

  template <typename T>
  void operator()(const char* name, const T& value) {
    out_[name] = encode(value);
  }
  template <typename T>
  void operator()(const char* name, const std::optional<T>& value) {
    if (value) out_[name] = encode(*value);
  }
  /// `text` is JSON already.
  void json(const char* name, const std::string& text) {
    auto parsed = ordered_json::parse(text, nullptr, false);
    out_[name] = parsed.is_discarded() ? encode(text) : redacted(std::move(parsed));
  }

  ordered_json encode(const std::string& text) const {
    return redact_ ? ordered_json(redact_(text)) : ordered_json(text);
  }
  ordered_json encode(WallTime time) const { return to_string(time); }
  ordered_json encode(TimePoint time) const { return ms_of(time); }
  ordered_json encode(Duration duration) const { return duration.count(); }
  ordered_json encode(const model::EnvironmentKey& key) const { return to_string(key); }
  template <typename T>
    requires std::is_arithmetic_v<T>
  ordered_json encode(T value) const {
    return value;
  }
  template <typename T>
    requires std::is_enum_v<T>
  ordered_json encode(T value) const {
    return name_of(value);
  }
  template <typename T>
  ordered_json encode(const std::vector<T>& values) const {
    auto list = ordered_json::array();
    for (const auto& value : values) list.push_back(encode(value));
    return list;
  }
  template <typename K, typename T>
  ordered_json encode(const std::map<K, T>& values) const {
    auto object = ordered_json::object();
    for (const auto& [key, value] : values) object[fmt::format("{}", key)] = encode(value);
    return object;
  }
  template <typename T>
    requires requires(Writer& w, const T& v) { fields(w, v); }
  ordered_json encode(const T& value) const {
    Writer inner(redact_);
    fields(inner, value);
    return std::move(inner.out_);
  }

 private:
  ordered_json redacted(ordered_json value) const {
    if (value.is_string()) return encode(value.get<std::string>());
    for (auto& child : value) {
      if (value.is_structured()) child = redacted(std::move(child));
    }
    return value;
  }

  const Redactor& redact_;
  ordered_json out_ = ordered_json::object();
};

std::string dumped(const ordered_json& document) {
  return document.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// ---- Reading ------------------------------------------------------------------------------------

Error wrong_type(std::string_view expected, const ordered_json& got) {
  return {ErrorKind::kInvalid, fmt::format("expected {}, got {}", expected, got.type_name()), ""};
}

Result<void> decode(const ordered_json& in, std::string& out) {
  if (!in.is_string()) return fail(wrong_type("a string", in));
  out = in.get<std::string>();
  return {};
}
Result<void> decode(const ordered_json& in, bool& out) {
  if (!in.is_boolean()) return fail(wrong_type("true or false", in));
  out = in.get<bool>();
  return {};
}
Result<void> decode(const ordered_json& in, double& out) {
  if (!in.is_number()) return fail(wrong_type("a number", in));
  out = in.get<double>();
  return {};
}
template <std::integral T>
Result<void> decode(const ordered_json& in, T& out) {
  if (!in.is_number_integer()) return fail(wrong_type("a whole number", in));
  const bool fits = in.is_number_unsigned() ? std::in_range<T>(in.get<std::uint64_t>())
                                            : std::in_range<T>(in.get<std::int64_t>());
  if (!fits) return fail(ErrorKind::kInvalid, fmt::format("{} is out of range", in.dump()));
  out = in.get<T>();
  return {};
}
Result<void> decode(const ordered_json& in, WallTime& out) {
  if (!in.is_string()) return fail(wrong_type("a time", in));
  const auto parsed = parse_wall_time(in.get<std::string>());
  if (!parsed) return fail(ErrorKind::kInvalid, "expected a time like 2026-01-02T03:04:05.678Z");
  out = *parsed;
  return {};
}
Result<void> decode(const ordered_json& in, Duration& out) {
  std::int64_t ms = 0;
  ECLUSE_TRY(decode(in, ms));
  out = Duration{ms};
  return {};
}
Result<void> decode(const ordered_json& in, TimePoint& out) {
  std::int64_t ms = 0;
  ECLUSE_TRY(decode(in, ms));
  out = time_at(ms);
  return {};
}
Result<void> decode(const ordered_json& in, model::EnvironmentKey& out) {
  if (!in.is_string()) return fail(wrong_type("APP/ENVIRONMENT", in));
  const auto key = model::parse_environment_key(in.get<std::string>());
  if (!key) return fail(ErrorKind::kInvalid, "expected APP/ENVIRONMENT");
  out = *key;
  return {};
}
template <typename E>
  requires std::is_enum_v<E>
Result<void> decode(const ordered_json& in, E& out) {
  for (const auto& named : Names<E>::all) {
    if (in == named.name) {
      out = named.value;
      return {};
    }
  }
  return fail(ErrorKind::kInvalid, fmt::format("{} is not one of its values", in.dump()));
}

class Reader;
template <typename T>
concept HasFields = requires(Reader& r, T& v) { fields(r, v); };

template <typename T>
Result<void> decode(const ordered_json& in, std::optional<T>& out);
template <typename T>
Result<void> decode(const ordered_json& in, std::vector<T>& out);
template <typename K, typename T>
Result<void> decode(const ordered_json& in, std::map<K, T>& out);
template <typename T>
Result<void> decode_fields(const ordered_json& in, T& out, UnknownFields unknown);

template <typename T>
  requires std::is_class_v<T>
Result<void> decode(const ordered_json& in, T& out) {
  return decode_fields(in, out, UnknownFields::kIgnore);
}

/// Keeps the first error; a field that is absent or null keeps its default.
class Reader {
 public:
  explicit Reader(const ordered_json& in) : in_(in) {}

  template <typename T>
  void operator()(const char* name, T& value) {
    known_.emplace_back(name);
    const auto found = in_.find(name);
    if (error_ || found == in_.end() || found->is_null()) return;
    if (auto done = decode(*found, value); !done) {
      error_ = in_context(fmt::format("field \"{}\"", name), std::move(done).error());
    }
  }
  void json(const char* name, std::string& text) {
    known_.emplace_back(name);
    const auto found = in_.find(name);
    if (found != in_.end()) text = dumped(*found);
  }

  Result<void> finish(UnknownFields unknown) {
    if (error_) return fail(std::move(*error_));
    if (unknown == UnknownFields::kIgnore) return {};
    for (const auto& [key, value] : in_.items()) {
      if (std::find(known_.begin(), known_.end(), key) == known_.end()) return fail(stranger(key));
    }
    return {};
  }

 private:
  Error stranger(const std::string& key) const {
    const auto near = nearest(key, known_);
    return {ErrorKind::kInvalid, fmt::format("unknown field \"{}\"", printable(key, 60)),
            near ? fmt::format("did you mean \"{}\"?", *near)
                 : fmt::format("known fields: {}", join(known_, ", "))};
  }

  const ordered_json& in_;
  std::vector<std::string> known_;
  std::optional<Error> error_;
};

template <typename T>
Result<void> decode(const ordered_json& in, std::optional<T>& out) {
  return decode(in, out.emplace());
}
template <typename T>
Result<void> decode(const ordered_json& in, std::vector<T>& out) {
  if (!in.is_array()) return fail(wrong_type("a list", in));
  out.clear();
  for (const auto& item : in) ECLUSE_TRY(decode(item, out.emplace_back()));
  return {};
}
Result<std::string> key_from(const std::string& text, const std::string&) {
  return text;
}
Result<std::uint32_t> key_from(const std::string& text, std::uint32_t) {
  const auto number = ordered_json::parse(text, nullptr, false);
  std::uint32_t key = 0;
  ECLUSE_TRY(decode(number, key));
  return key;
}
template <typename K, typename T>
Result<void> decode(const ordered_json& in, std::map<K, T>& out) {
  if (!in.is_object()) return fail(wrong_type("an object", in));
  out.clear();
  for (const auto& [name, value] : in.items()) {
    ECLUSE_ASSIGN(auto key, key_from(name, K{}));
    ECLUSE_TRY(decode(value, out[key]));
  }
  return {};
}
template <typename T>
Result<void> decode_fields(const ordered_json& in, T& out, UnknownFields unknown) {
  if (!in.is_object()) return fail(wrong_type("an object", in));
  Reader reader(in);
  fields(reader, out);
  return reader.finish(unknown);
}

/// Refuses what the library would take silently: duplicate keys, and nesting without end.
class Strictness {
 public:
  bool operator()(int depth, ordered_json::parse_event_t event, ordered_json& parsed) {
    using Event = ordered_json::parse_event_t;
    if (depth > kJsonDepthMax) problem_ = "nested too deeply";
    if (event == Event::object_start) keys_.emplace_back();
    if (event == Event::object_end && !keys_.empty()) keys_.pop_back();
    if (event == Event::key && !keys_.empty()) remember(parsed.get<std::string>());
    return problem_.empty();
  }
  const std::string& problem() const { return problem_; }

 private:
  void remember(const std::string& key) {
    if (!keys_.back().insert(key).second) {
      problem_ = fmt::format("key \"{}\" is given twice", printable(key, 60));
    }
  }

  std::vector<std::set<std::string>> keys_;
  std::string problem_;
};

Result<ordered_json> parse(std::string_view text) {
  if (trim(text).empty()) return ordered_json::object();
  Strictness strict;
  auto document = ordered_json::parse(
      text, [&](int depth, auto event, auto& parsed) { return strict(depth, event, parsed); },
      false);
  if (!strict.problem().empty()) {
    return fail(ErrorKind::kInvalid, fmt::format("the body's JSON: {}", strict.problem()));
  }
  if (document.is_discarded()) {
    return fail(ErrorKind::kInvalid, "the body is not JSON", "send one JSON object, in UTF-8");
  }
  return document;
}

}  // namespace

template <typename T>
std::string json_text(const T& value, const Redactor& redact) {
  return dumped(Writer(redact).encode(value));
}

template <typename T>
Result<T> from_json_text(std::string_view text, UnknownFields unknown) {
  ECLUSE_ASSIGN(const auto document, parse(text));
  T value{};
  if constexpr (HasFields<T>) {
    ECLUSE_TRY(decode_fields(document, value, unknown));
  } else {
    ECLUSE_TRY(decode(document, value));
  }
  return value;
}

std::string error_json(const Error& error, const Redactor& redact) {
  return dumped(ordered_json{{"error", Writer(redact).encode(error)}});
}

std::optional<Error> error_from_json(std::string_view text) {
  const auto document = ordered_json::parse(text, nullptr, false);
  if (!document.is_object() || !document.contains("error")) return std::nullopt;
  Error error;
  if (auto done = decode(document["error"], error); !done) return std::nullopt;
  return error;
}

std::optional<WallTime> parse_wall_time(std::string_view text) {
  constexpr std::size_t kWallTimeBytes = std::string_view("2026-01-02T03:04:05.678Z").size();
  if (text.size() != kWallTimeBytes || text.back() != 'Z') return std::nullopt;
  std::tm utc{};
  int ms = 0;
  const std::string copy(text);
  const int read =
      std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &utc.tm_year, &utc.tm_mon,
                  &utc.tm_mday, &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &ms);
  if (read != 7) return std::nullopt;
  utc.tm_year -= 1900;
  utc.tm_mon -= 1;
  return WallTime{timegm(&utc) * 1000 + ms};
}

#define ECLUSE_JSON(T)                                                    \
  template std::string json_text(const T&, const Redactor&);              \
  template std::string json_text(const std::vector<T>&, const Redactor&); \
  template Result<T> from_json_text(std::string_view, UnknownFields);     \
  template Result<std::vector<T>> from_json_text(std::string_view, UnknownFields)
ECLUSE_JSON(control::Ticket);
ECLUSE_JSON(control::RolloutView);
ECLUSE_JSON(control::EnvironmentView);
ECLUSE_JSON(control::RollbackCheck);
ECLUSE_JSON(control::ReleaseView);
ECLUSE_JSON(control::EnvEntry);
ECLUSE_JSON(ports::StoredEvent);
ECLUSE_JSON(ports::LogChunk);
ECLUSE_JSON(ports::SecretInfo);
ECLUSE_JSON(DeployBody);
ECLUSE_JSON(ReasonBody);
ECLUSE_JSON(ConfirmBody);
ECLUSE_JSON(RollbackBody);
ECLUSE_JSON(ScaleBody);
ECLUSE_JSON(MaintenanceBody);
ECLUSE_JSON(RemoveBody);
ECLUSE_JSON(RunBody);
ECLUSE_JSON(MoveBody);
ECLUSE_JSON(SecretBody);
ECLUSE_JSON(ReclaimBody);
ECLUSE_JSON(Pong);
ECLUSE_JSON(SecretVersion);
ECLUSE_JSON(Reclaimed);
ECLUSE_JSON(Done);
ECLUSE_JSON(RunLine);
ECLUSE_JSON(MoveLine);
ECLUSE_JSON(ports::MoveReport);
ECLUSE_JSON(LogLine);
ECLUSE_JSON(Examined);
#undef ECLUSE_JSON

}  // namespace ecluse::api
