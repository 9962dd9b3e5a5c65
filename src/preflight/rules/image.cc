#include "preflight/rules/image.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace ecluse::preflight {

namespace {

// Last day of security updates, as published in 2026-11; docs/check.md says by whom.
struct EndOfLife {
  std::string_view image;
  std::string_view version;
  std::string_view day;
};
constexpr std::array kEnds = {
    EndOfLife{"python", "2", "2020-01-01"},        EndOfLife{"python", "3.4", "2019-03-18"},
    EndOfLife{"python", "3.5", "2020-09-13"},      EndOfLife{"python", "3.6", "2021-12-23"},
    EndOfLife{"python", "3.7", "2023-06-27"},      EndOfLife{"python", "3.8", "2024-10-07"},
    EndOfLife{"python", "3.9", "2025-10-31"},      EndOfLife{"python", "3.10", "2026-10-31"},
    EndOfLife{"node", "4", "2018-04-30"},          EndOfLife{"node", "6", "2019-04-30"},
    EndOfLife{"node", "7", "2017-06-30"},          EndOfLife{"node", "8", "2019-12-31"},
    EndOfLife{"node", "9", "2018-06-30"},          EndOfLife{"node", "10", "2021-04-30"},
    EndOfLife{"node", "11", "2019-06-01"},         EndOfLife{"node", "12", "2022-04-30"},
    EndOfLife{"node", "13", "2020-06-01"},         EndOfLife{"node", "14", "2023-04-30"},
    EndOfLife{"node", "15", "2021-06-01"},         EndOfLife{"node", "16", "2023-09-11"},
    EndOfLife{"node", "17", "2022-06-01"},         EndOfLife{"node", "18", "2025-04-30"},
    EndOfLife{"node", "19", "2023-06-01"},         EndOfLife{"node", "20", "2026-04-30"},
    EndOfLife{"node", "21", "2024-06-01"},         EndOfLife{"node", "23", "2025-06-01"},
    EndOfLife{"node", "argon", "2018-04-30"},      EndOfLife{"node", "boron", "2019-04-30"},
    EndOfLife{"node", "carbon", "2019-12-31"},     EndOfLife{"node", "dubnium", "2021-04-30"},
    EndOfLife{"node", "erbium", "2022-04-30"},     EndOfLife{"node", "fermium", "2023-04-30"},
    EndOfLife{"node", "gallium", "2023-09-11"},    EndOfLife{"node", "hydrogen", "2025-04-30"},
    EndOfLife{"node", "iron", "2026-04-30"},       EndOfLife{"debian", "8", "2020-06-30"},
    EndOfLife{"debian", "9", "2022-06-30"},        EndOfLife{"debian", "10", "2024-06-30"},
    EndOfLife{"debian", "11", "2026-08-31"},       EndOfLife{"debian", "jessie", "2020-06-30"},
    EndOfLife{"debian", "stretch", "2022-06-30"},  EndOfLife{"debian", "buster", "2024-06-30"},
    EndOfLife{"debian", "bullseye", "2026-08-31"}, EndOfLife{"ubuntu", "14.04", "2019-04-25"},
    EndOfLife{"ubuntu", "16.04", "2021-04-30"},    EndOfLife{"ubuntu", "18.04", "2023-05-31"},
    EndOfLife{"ubuntu", "20.04", "2025-05-29"},    EndOfLife{"ubuntu", "xenial", "2021-04-30"},
    EndOfLife{"ubuntu", "bionic", "2023-05-31"},   EndOfLife{"ubuntu", "focal", "2025-05-29"},
    EndOfLife{"alpine", "3.8", "2020-05-01"},      EndOfLife{"alpine", "3.9", "2020-11-01"},
    EndOfLife{"alpine", "3.10", "2021-05-01"},     EndOfLife{"alpine", "3.11", "2021-11-01"},
    EndOfLife{"alpine", "3.12", "2022-05-01"},     EndOfLife{"alpine", "3.13", "2022-11-01"},
    EndOfLife{"alpine", "3.14", "2023-05-01"},     EndOfLife{"alpine", "3.15", "2023-11-01"},
    EndOfLife{"alpine", "3.16", "2024-05-23"},     EndOfLife{"alpine", "3.17", "2024-11-22"},
    EndOfLife{"alpine", "3.18", "2025-05-09"},     EndOfLife{"alpine", "3.19", "2025-11-01"},
    EndOfLife{"alpine", "3.20", "2026-04-01"},     EndOfLife{"alpine", "3.21", "2026-11-01"},
    EndOfLife{"postgres", "9", "2021-11-11"},      EndOfLife{"postgres", "10", "2022-11-10"},
    EndOfLife{"postgres", "11", "2023-11-09"},     EndOfLife{"postgres", "12", "2024-11-21"},
    EndOfLife{"postgres", "13", "2025-11-13"},     EndOfLife{"postgres", "14", "2026-11-12"},
    EndOfLife{"mysql", "5.6", "2021-02-28"},       EndOfLife{"mysql", "5.7", "2023-10-31"},
    EndOfLife{"mysql", "8.0", "2026-04-30"},       EndOfLife{"mariadb", "10.3", "2023-05-25"},
    EndOfLife{"mariadb", "10.4", "2024-06-18"},    EndOfLife{"mariadb", "10.5", "2025-06-24"},
    EndOfLife{"mariadb", "10.6", "2026-07-06"},    EndOfLife{"mongo", "3", "2021-04-30"},
    EndOfLife{"mongo", "4", "2024-02-29"},         EndOfLife{"mongo", "5", "2024-10-31"},
    EndOfLife{"mongo", "6", "2025-07-31"},         EndOfLife{"nginx", "1.12", "2018-04-17"},
    EndOfLife{"nginx", "1.14", "2019-04-23"},      EndOfLife{"nginx", "1.16", "2020-04-20"},
    EndOfLife{"nginx", "1.17", "2020-05-26"},      EndOfLife{"nginx", "1.18", "2021-04-20"},
    EndOfLife{"nginx", "1.19", "2021-05-25"},      EndOfLife{"nginx", "1.20", "2022-05-24"},
    EndOfLife{"nginx", "1.21", "2022-06-21"},      EndOfLife{"nginx", "1.22", "2023-04-11"},
    EndOfLife{"nginx", "1.23", "2023-05-23"},      EndOfLife{"nginx", "1.24", "2024-04-23"},
    EndOfLife{"nginx", "1.25", "2024-05-29"},      EndOfLife{"nginx", "1.26", "2025-04-23"},
    EndOfLife{"nginx", "1.27", "2025-06-24"},      EndOfLife{"nginx", "1.28", "2026-04-14"},
    EndOfLife{"nginx", "1.29", "2026-05-13"}};

bool is_version(std::string_view tag, std::string_view version) {
  if (!tag.starts_with(version)) return false;
  const auto rest = tag.substr(version.size());
  return rest.empty() || rest[0] == '-' || rest[0] == '.';
}

/// "3.9-slim" of "tiangolo/uvicorn-gunicorn:python3.9-slim", "3.18" of "python:3.12-alpine3.18":
/// what the image is made of.
std::string_view within(std::string_view tag, std::string_view word) {
  const auto at = tag.find(word);
  return at == std::string_view::npos ? std::string_view{} : tag.substr(at + word.size());
}

bool holds(std::string_view image, const EndOfLife& end) {
  const auto tag = tag_of(image);
  if (name_of(image) == end.image && is_version(tag, end.version)) return true;
  if (end.image == "python" || end.image == "alpine")
    return is_version(within(tag, end.image), end.version);
  return end.image == "debian" && std::isalpha(static_cast<unsigned char>(end.version[0])) &&
         tag.ends_with("-" + std::string(end.version));
}

}  // namespace

std::string_view tag_of(std::string_view image) {
  const auto slash = image.rfind('/');
  const auto name = image.substr(slash == std::string_view::npos ? 0 : slash + 1);
  const auto colon = name.find(':');
  return colon == std::string_view::npos ? std::string_view{} : name.substr(colon + 1);
}

std::string_view name_of(std::string_view image) {
  const auto slash = image.rfind('/');
  const auto name = image.substr(slash == std::string_view::npos ? 0 : slash + 1);
  return name.substr(0, std::min(name.find(':'), name.find('@')));
}

std::string_view image_end(std::string_view image, std::string_view today) {
  const auto over = std::ranges::find_if(
      kEnds, [&](const EndOfLife& end) { return end.day < today && holds(image, end); });
  return over == kEnds.end() ? std::string_view{} : over->day;
}

}  // namespace ecluse::preflight
