#pragma once
// The two texts that Prometheus reads: its own, version 0.0.4, and OpenMetrics 1.0.0.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace ecluse::metrics {

enum class Form : std::uint8_t {
  kPrometheus,   ///< text/plain; version=0.0.4
  kOpenMetrics,  ///< application/openmetrics-text; version=1.0.0
};
/// The form that an Accept field asks for.
Form form_for(std::string_view accept);
std::string_view content_type_of(Form form);

enum class Type : std::uint8_t { kCounter, kGauge, kHistogram };

using Label = std::pair<std::string_view, std::string_view>;
/// `a="b",c="d"`, values escaped.
std::string labels(std::initializer_list<Label> all);

/// Families in order, each followed by all of its samples. `labels` as labels() writes them; empty:
/// none.
class Exposition {
 public:
  explicit Exposition(Form form) : form_(form) {}

  /// `name` without "_total", which the samples of a counter end with.
  void family(std::string_view name, Type type, std::string_view help);
  void counter(std::string_view name, std::string_view labels, std::uint64_t value);
  void gauge(std::string_view name, std::string_view labels, std::uint64_t value);
  /// One line of a histogram: `suffix` is "_bucket", "_sum" or "_count".
  void part(std::string_view name, std::string_view suffix, std::string_view labels, double value);
  std::string finish();

 private:
  void sample(std::string_view name, std::string_view suffix, std::string_view labels,
              std::string_view value);

  Form form_;
  std::string text_;
};

}  // namespace ecluse::metrics
