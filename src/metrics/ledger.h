#pragma once
// Which number changed when: what the gateway answers to readers of ports::Measurements. Pure; its
// memory is of one epoch.

#include <functional>
#include <map>
#include <string>

#include "metrics/traffic.h"

namespace ecluse::metrics {

class Ledger {
 public:
  /// `new_epoch` gives a name that no other ledger has, or had.
  explicit Ledger(std::function<std::string()> new_epoch);

  /// What changed since `cursor`, now that things stand like `now`. A number that fell or a release
  /// that vanished begins another epoch: all is told then.
  ports::MeasureBatch read(const ports::MeasureCursor& cursor, const Traffic& now);

 private:
  struct Entry {
    std::map<std::uint32_t, std::uint64_t> changed;  ///< version at which a bucket changed last
    std::uint64_t version = 0;                       ///< at which anything of it did
  };
  bool has_fallen(const Traffic& now) const;
  void note(const Traffic& now);
  ports::MeasureBatch since(std::uint64_t version) const;

  std::function<std::string()> new_epoch_;
  std::string epoch_;
  std::uint64_t version_ = 0;  ///< of what changed last
  Traffic known_;
  std::map<ReleaseId, Entry> entries_;
  std::map<std::string, std::uint64_t> bounds_changed_;
};

}  // namespace ecluse::metrics
