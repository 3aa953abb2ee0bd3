#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace bayesum {

// Intervals of how much two predictions of the same examples differ in their scores, by a bootstrap
// whose resamples are sums: in each, example g counts so many times as a Poisson(1) number says, a
// pure function of (seed, resample, g). So every rank adds its own examples, and nothing is held of
// them.
class PairedBootstrap {
 public:
  static constexpr std::size_t kResamples = 1000;
  static constexpr std::size_t kParts = 15;
  // Sums of one example, or of a window of tokens: its targets, then of each of two predictions
  // their summed loss, and parts: the gap between what was right and what was promised, by bins, or
  // the squared error alone.
  static constexpr std::size_t kTargets = 0;
  static constexpr std::size_t loss(std::size_t prediction) { return 1 + prediction * kStride; }
  static constexpr std::size_t part(std::size_t prediction, std::size_t part) {
    return 2 + prediction * kStride + part;
  }
  static constexpr std::size_t kStride = 1 + kParts;
  using Group = std::array<double, 1 + 2 * kStride>;
  static constexpr std::size_t kSize = kResamples * std::tuple_size_v<Group>;

  explicit PairedBootstrap(std::uint64_t seed) : seed_(seed) {}

  // Appends the kSize sums of all resamples over these examples, the first of which is number
  // `first` of all.
  void append(std::span<const Group> groups, std::uint64_t first, std::vector<double>& sums) const;

  struct Interval {
    double low = 0;
    double high = 0;
  };
  // Of the second prediction's score less the first's, central 95 %: of the mean loss, and of
  // sum |gap| / targets, or, of numbers, sqrt(squared error / targets). NaN where no resample has a
  // target.
  static std::pair<Interval, Interval> intervals(std::span<const double> sums, bool of_gaps);

 private:
  std::uint64_t seed_;
};

}  // namespace bayesum
