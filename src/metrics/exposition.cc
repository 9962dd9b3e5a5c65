#include "metrics/exposition.h"

#include <fmt/format.h>

#include <iterator>

namespace ecluse::metrics {

namespace {
std::string_view word_of(Type type) {
  switch (type) {
    case Type::kCounter:
      return "counter";
    case Type::kGauge:
      return "gauge";
    case Type::kHistogram:
      return "histogram";
  }
  return "unknown";
}

void add_escaped(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
}
}  // namespace

Form form_for(std::string_view accept) {
  return accept.find("application/openmetrics-text") != std::string_view::npos ? Form::kOpenMetrics
                                                                               : Form::kPrometheus;
}

std::string_view content_type_of(Form form) {
  return form == Form::kOpenMetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                    : "text/plain; version=0.0.4; charset=utf-8";
}

std::string labels(std::initializer_list<Label> all) {
  std::string out;
  for (const auto& [name, value] : all) {
    if (!out.empty()) out += ',';
    out += name;
    out += "=\"";
    add_escaped(out, value);
    out += '"';
  }
  return out;
}

void Exposition::family(std::string_view name, Type type, std::string_view help) {
  // Prometheus' own text names a counter as its samples are named.
  const bool has_suffix = type == Type::kCounter && form_ == Form::kPrometheus;
  fmt::format_to(std::back_inserter(text_), "# HELP {0}{1} {3}\n# TYPE {0}{1} {2}\n", name,
                 has_suffix ? "_total" : "", word_of(type), help);
}

void Exposition::sample(std::string_view name, std::string_view suffix, std::string_view labels,
                        std::string_view value) {
  const bool has_labels = !labels.empty();
  fmt::format_to(std::back_inserter(text_), "{}{}{}{}{} {}\n", name, suffix, has_labels ? "{" : "",
                 labels, has_labels ? "}" : "", value);
}

void Exposition::counter(std::string_view name, std::string_view labels, std::uint64_t value) {
  sample(name, "_total", labels, fmt::format("{}", value));
}
void Exposition::gauge(std::string_view name, std::string_view labels, std::uint64_t value) {
  sample(name, "", labels, fmt::format("{}", value));
}
void Exposition::part(std::string_view name, std::string_view suffix, std::string_view labels,
                      double value) {
  sample(name, suffix, labels, fmt::format("{}", value));
}

std::string Exposition::finish() {
  if (form_ == Form::kOpenMetrics) text_ += "# EOF\n";
  return std::move(text_);
}

}  // namespace ecluse::metrics
