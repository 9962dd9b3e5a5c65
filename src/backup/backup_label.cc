#include "backup/backup_label.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "os/file.h"

namespace ecluse::backup {

namespace {
namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t kFileBytesMax = 64 << 10;
constexpr int kFormat = 1;

fs::path file_in(const fs::path& folder) {
  return folder / "backup.json";
}

Json to_record(const Dump& dump) {
  return {{"service", dump.service}, {"file", dump.file},
          {"bytes", dump.bytes},     {"sha256", dump.sha256},
          {"tables", dump.tables},   {"restored_in_ms", dump.restored_in.count()}};
}

Dump dump_from(const Json& record) {
  return {.service = record.at("service").get<std::string>(),
          .file = record.at("file").get<std::string>(),
          .bytes = record.at("bytes").get<std::uint64_t>(),
          .sha256 = record.at("sha256").get<std::string>(),
          .tables = record.at("tables").get<std::uint64_t>(),
          .restored_in = Duration(record.at("restored_in_ms").get<std::int64_t>())};
}

Result<BackupLabel> label_from(const std::string& text) try {
  const Json record = Json::parse(text);
  if (record.at("format") != kFormat) return fail(ErrorKind::kInvalid, "made by another ecluse");
  BackupLabel label{.release = record.at("release").get<model::ReleaseNumber>(),
                    .made_at = {record.at("made_at_ms").get<std::int64_t>()},
                    .dumps = {},
                    .left_out = record.at("left_out").get<std::vector<std::string>>()};
  for (const Json& dump : record.at("dumps")) label.dumps.push_back(dump_from(dump));
  return label;
} catch (const Json::exception& e) {
  return fail(ErrorKind::kInvalid, e.what());
}
}  // namespace

Result<BackupLabel> read_label(const fs::path& folder) {
  const auto file = file_in(folder);
  ECLUSE_ASSIGN(const std::string text, os::read_file(file, kFileBytesMax));
  auto label = label_from(text);
  if (!label) return fail(in_context(file.string(), std::move(label).error()));
  for (const Dump& dump : label->dumps) {
    std::error_code error;
    if (fs::file_size(folder / dump.file, error) != dump.bytes || error)
      return fail(ErrorKind::kInvalid,
                  fmt::format("{} is not what was written", (folder / dump.file).string()));
  }
  return label;
}

Result<void> write_label(const fs::path& folder, const BackupLabel& label) {
  Json dumps = Json::array();
  for (const Dump& dump : label.dumps) dumps.push_back(to_record(dump));
  const Json record = {{"format", kFormat},
                       {"release", label.release},
                       {"made_at_ms", label.made_at.ms_since_epoch},
                       {"dumps", std::move(dumps)},
                       {"left_out", label.left_out}};
  return os::replace_file(file_in(folder), record.dump(2) + "\n", 0600);
}

}  // namespace ecluse::backup
