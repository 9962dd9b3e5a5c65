#pragma once
// One list of fields per struct, read in both directions: `fields(visit, value)` names each member
// once, and encode() and decode() walk it. Templates over the JSON type, so that this header stays
// light: nlohmann/json.hpp is included by the .cc files that instantiate it.
//
//   template <typename V> void fields(V& v, Commit& c) { v("sha", c.sha); v("author", c.author); }
//   constexpr std::string_view kPhaseNames[] = {"queued", ...};
//   inline std::span<const std::string_view> names_of(Phase) { return kPhaseNames; }
//
// Unknown fields are ignored, absent ones keep their default. A value of the wrong type throws
// (nlohmann's exceptions or std::invalid_argument); the .cc files turn that into an Error.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/time.h"

namespace ecluse::json_fields {

template <typename Json, typename T>
void encode(Json& out, const T& value);
template <typename Json, typename T>
void decode(const Json& in, T& value);

template <typename Json>
struct Writer {
  Json& out;
  template <typename T>
  void operator()(const char* name, const T& value) {
    encode(out[name], value);
  }
};

template <typename Json>
struct Reader {
  const Json& in;
  template <typename T>
  void operator()(const char* name, T& value) {
    if (const auto found = in.find(name); found != in.end()) decode(*found, value);
  }
};

template <typename T>
struct Shape {
  static constexpr int kind = std::is_enum_v<T> ? 1 : std::is_class_v<T> ? 2 : 0;
};
template <>
struct Shape<std::string> {
  static constexpr int kind = 0;
};

/// Types with a form of their own specialise this: put(Json&, const T&) and get(const Json&, T&).
template <typename T>
struct Codec {
  template <typename Json>
  static void put(Json& out, const T& value) {
    if constexpr (Shape<T>::kind == 1) {
      out = names_of(value)[static_cast<std::size_t>(value)];
    } else if constexpr (Shape<T>::kind == 2) {
      out = Json::object();
      Writer<Json> writer{out};
      // One list of fields serves both directions, so it takes a mutable value; nothing is written.
      fields(writer, const_cast<T&>(value));
    } else {
      out = value;
    }
  }
  template <typename Json>
  static void get(const Json& in, T& value) {
    if constexpr (Shape<T>::kind == 1) {
      const auto& name = in.template get_ref<const std::string&>();
      const auto names = names_of(value);
      for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == name) {
          value = static_cast<T>(i);
          return;
        }
      }
      throw std::invalid_argument("unknown word \"" + name + "\"");
    } else if constexpr (Shape<T>::kind == 2) {
      if (!in.is_object()) throw std::invalid_argument("expected a record");
      Reader<Json> reader{in};
      fields(reader, value);
    } else {
      in.get_to(value);
    }
  }
};

template <>
struct Codec<Duration> {
  template <typename Json>
  static void put(Json& out, const Duration& value) {
    out = value.count();
  }
  template <typename Json>
  static void get(const Json& in, Duration& value) {
    value = Duration{in.template get<std::int64_t>()};
  }
};
template <>
struct Codec<TimePoint> {
  template <typename Json>
  static void put(Json& out, const TimePoint& value) {
    out = ms_of(value);
  }
  template <typename Json>
  static void get(const Json& in, TimePoint& value) {
    value = time_at(in.template get<std::int64_t>());
  }
};
template <>
struct Codec<WallTime> {
  template <typename Json>
  static void put(Json& out, const WallTime& value) {
    out = value.ms_since_epoch;
  }
  template <typename Json>
  static void get(const Json& in, WallTime& value) {
    value.ms_since_epoch = in.template get<std::int64_t>();
  }
};
template <typename T>
struct Codec<std::optional<T>> {
  template <typename Json>
  static void put(Json& out, const std::optional<T>& value) {
    if (value) {
      encode(out, *value);
    } else {
      out = nullptr;
    }
  }
  template <typename Json>
  static void get(const Json& in, std::optional<T>& value) {
    value.reset();
    if (!in.is_null()) decode(in, value.emplace());
  }
};
template <typename T>
struct Codec<std::vector<T>> {
  template <typename Json>
  static void put(Json& out, const std::vector<T>& value) {
    out = Json::array();
    for (const auto& item : value) encode(out.emplace_back(nullptr), item);
  }
  template <typename Json>
  static void get(const Json& in, std::vector<T>& value) {
    value.clear();
    if (!in.is_array()) throw std::invalid_argument("expected a list");
    for (const auto& item : in) decode(item, value.emplace_back());
  }
};
template <typename T>
struct Codec<std::map<std::string, T>> {
  template <typename Json>
  static void put(Json& out, const std::map<std::string, T>& value) {
    out = Json::object();
    for (const auto& [name, item] : value) encode(out[name], item);
  }
  template <typename Json>
  static void get(const Json& in, std::map<std::string, T>& value) {
    value.clear();
    for (const auto& [name, item] : in.items()) decode(item, value[name]);
  }
};

template <typename Json, typename T>
void encode(Json& out, const T& value) {
  Codec<T>::put(out, value);
}
template <typename Json, typename T>
void decode(const Json& in, T& value) {
  Codec<T>::get(in, value);
}

}  // namespace ecluse::json_fields
