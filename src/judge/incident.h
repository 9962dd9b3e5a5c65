#pragma once
// Is the stable arm breaking the same objective just now? Then an absolute objective says nothing
// about the canary: a database that is down hits both arms. The judge places no bet on a canary
// unit while this says yes, which is a decision made before that unit's outcome is known, so the
// claim stays an e-process whatever the incident does.
//
// A cumulative sum against the stable units' badness (Page, Biometrika 41, 1954): likelihood ratios
// of a few rates above the objective's, none ever below one nor above kMost, so that it notices
// within two or three bad units and forgets as fast.

#include <algorithm>
#include <array>
#include <cstdint>

namespace ecluse::judge {

class Incident {
 public:
  static constexpr double kSuspicion = 2;
  static constexpr double kMost = 100;

  explicit Incident(double share_max) {
    const double odds = share_max / (1 - share_max);
    for (std::size_t j = 0; j < kRates; ++j) {
      const double rate = odds * kOddsTimes[j] / (1 + odds * kOddsTimes[j]);
      bad_factor_[j] = rate / share_max;
      good_factor_[j] = (1 - rate) / (1 - share_max);
    }
  }

  /// One unit of the stable arm.
  void add(bool bad) {
    if (!bad && quiet_) return;
    const auto& factor = bad ? bad_factor_ : good_factor_;
    double highest = 1;
    for (std::size_t j = 0; j < kRates; ++j) {
      level_[j] = std::clamp(level_[j] * factor[j], 1.0, kMost);
      highest = std::max(highest, level_[j]);
    }
    refresh(highest);
  }
  bool under_way() const { return under_way_; }

  template <typename Visit>
  void each_number(Visit&& visit) {
    for (double& level : level_) visit(level);
    refresh(*std::ranges::max_element(level_));
  }

 private:
  static constexpr std::size_t kRates = 3;
  static constexpr std::array<double, kRates> kOddsTimes = {2, 6, 20};

  void refresh(double highest) {
    quiet_ = highest <= 1;
    under_way_ = highest >= kSuspicion;
  }

  std::array<double, kRates> bad_factor_{};
  std::array<double, kRates> good_factor_{};
  std::array<double, kRates> level_ = {1, 1, 1};
  bool quiet_ = true;
  bool under_way_ = false;
};

}  // namespace ecluse::judge
