#include "artifact/coverage.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "base/text.h"

namespace ecluse::artifact {

namespace {
/// The number that ends just before the last '%' of `text`.
std::optional<double> percentage(std::string_view text) {
  const std::size_t sign = text.rfind('%');
  if (sign == std::string_view::npos) return std::nullopt;
  const std::size_t before = text.find_last_not_of("0123456789.", sign == 0 ? 0 : sign - 1);
  const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data() + begin, text.data() + sign, value);
  if (error != std::errc() || end != text.data() + sign || value < 0 || value > 100) {
    return std::nullopt;
  }
  return value / 100;
}

/// "TOTAL      120     18    85%"
std::optional<double> from_coverage_py(std::string_view line) {
  return line.starts_with("TOTAL ") && line.ends_with('%') ? percentage(line) : std::nullopt;
}

/// "Lines        : 85.71% ( 6/7 )", and the table's "All files |   85.71 |    50 |   100 |   85.7
/// |" whose fourth number is that of lines.
std::optional<double> from_istanbul(std::string_view line) {
  if (line.starts_with("Lines") && line.find(':') < 20) {
    return percentage(line.substr(0, line.find('(')));
  }
  if (!line.starts_with("All files")) return std::nullopt;
  const auto cells = split(line, '|');
  return cells.size() < 5 ? std::nullopt : percentage(std::string(trim(cells[4])) + "%");
}

/// "ok  \texample.org/x\t0.003s\tcoverage: 66.7% of statements"
std::optional<double> from_go(std::string_view line) {
  const std::size_t at = line.find("coverage: ");
  if (at == std::string_view::npos || line.find("% of statements") == std::string_view::npos) {
    return std::nullopt;
  }
  return percentage(line.substr(at, line.find('%', at) - at + 1));
}
}  // namespace

void CoverageReader::read(std::string_view raw) {
  const std::string_view line = trim(raw);
  if (const auto go = from_go(line)) {
    share_ = from_go_ && share_ ? std::min(*share_, *go) : *go;
    from_go_ = true;
    return;
  }
  auto found = from_coverage_py(line);
  if (!found) found = from_istanbul(line);
  if (found) share_ = found;
}

}  // namespace ecluse::artifact
