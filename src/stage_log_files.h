#pragma once
// Output of pipeline stages as files: FOLDER/APP/ENV/NUMBER/STAGE.log, bounded each and in number.

#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "control/ports.h"

namespace ecluse {

struct StageLogBounds {
  std::uint64_t file_bytes_max = 16 << 20;  ///< then one line says that the rest is dropped
  std::size_t rollouts_kept_max = 50;       ///< per environment; the oldest go
  std::size_t chunk_bytes_max = 1 << 20;    ///< of one read()
};

class StageLogFiles final : public control::StageLogs {
 public:
  explicit StageLogFiles(std::filesystem::path folder, StageLogBounds bounds = {});

  /// Best effort by nature: a full disk must not stop a rollout, so it is logged once and dropped.
  void append(const std::string& rollout, const std::string& stage, std::string_view line) override;
  /// NotFound lists the stages that wrote something.
  Result<ports::LogChunk> read(const std::string& rollout, const std::string& stage,
                               std::uint64_t from_offset, Duration wait) override;

 private:
  Result<void> write_line(const std::filesystem::path& file, std::string_view line);
  Result<ports::LogChunk> read_now(const std::string& rollout, const std::string& stage,
                                   std::uint64_t from_offset) const;
  void forget_old(const std::filesystem::path& environment);

  std::filesystem::path folder_;
  StageLogBounds bounds_;
  std::mutex writing_;
  std::condition_variable written_;  ///< told of every line
  bool complained_ = false;
};

}  // namespace ecluse
