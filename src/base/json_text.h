#pragma once
// JSON text straight from a struct's list of fields (base/json_fields.h), without a tree between:
// what is written at every step of a rollout. Fields come in the order of their list; otherwise it
// is the text that encode() and dump() give (json_text_test.cc holds them to each other), except
// that bytes which are not UTF-8 are made readable instead of being refused: a decision must not be
// lost for a line of somebody's log.

#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/json_fields.h"
#include "base/text.h"

namespace ecluse::json_fields {

/// Appends `text` in quotes.
void append_quoted(std::string& out, std::string_view text);

template <typename T>
void append(std::string& out, const T& value);

/// One member after the other of an object: the visitor of `fields`.
struct TextWriter {
  std::string& out;
  char separator = '{';
  template <typename T>
  void operator()(std::string_view name, const T& value) {
    out += separator;
    separator = ',';
    append_quoted(out, name);
    out += ':';
    append(out, value);
  }
  void finish() { out += separator == '{' ? "{}" : "}"; }
};

template <typename T>
void append_number(std::string& out, T value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

/// Types with a form of their own specialise this, as they do Codec.
template <typename T>
struct TextForm {
  static void write(std::string& out, const T& value) {
    if constexpr (Shape<T>::kind == 1) {
      append_quoted(out, names_of(value)[static_cast<std::size_t>(value)]);
    } else if constexpr (Shape<T>::kind == 2) {
      TextWriter writer{out};
      fields(writer, const_cast<T&>(value));  // as in Codec: nothing is written to it
      writer.finish();
    } else if constexpr (std::is_same_v<T, bool>) {
      out += value ? "true" : "false";
    } else if constexpr (std::is_floating_point_v<T>) {
      if (!std::isfinite(value)) return void(out += "null");
      append_number(out, value);
    } else {
      append_number(out, value);
    }
  }
};
template <>
struct TextForm<std::string> {
  static void write(std::string& out, const std::string& value) { append_quoted(out, value); }
};
template <>
struct TextForm<Duration> {
  static void write(std::string& out, Duration value) { append_number(out, value.count()); }
};
template <>
struct TextForm<TimePoint> {
  static void write(std::string& out, TimePoint value) { append_number(out, ms_of(value)); }
};
template <>
struct TextForm<WallTime> {
  static void write(std::string& out, WallTime value) { append_number(out, value.ms_since_epoch); }
};
template <typename T>
struct TextForm<std::optional<T>> {
  static void write(std::string& out, const std::optional<T>& value) {
    if (!value) return void(out += "null");
    append(out, *value);
  }
};
template <typename T>
struct TextForm<std::vector<T>> {
  static void write(std::string& out, const std::vector<T>& value) {
    char separator = '[';
    for (const auto& item : value) {
      out += separator;
      separator = ',';
      append(out, item);
    }
    out += separator == '[' ? "[]" : "]";
  }
};
template <typename T>
struct TextForm<std::map<std::string, T>> {
  static void write(std::string& out, const std::map<std::string, T>& value) {
    TextWriter writer{out};
    for (const auto& [name, item] : value) writer(name, item);
    writer.finish();
  }
};

template <typename T>
void append(std::string& out, const T& value) {
  TextForm<T>::write(out, value);
}

template <typename T>
std::string text_of(const T& value) {
  std::string out;
  append(out, value);
  return out;
}

}  // namespace ecluse::json_fields
