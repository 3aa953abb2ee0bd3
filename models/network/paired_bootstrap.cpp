#include "models/network/paired_bootstrap.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/parallel.hpp"
#include "models/network/network_prediction.hpp"

namespace bayesum {
namespace {

constexpr std::uint32_t kAfterDraws = 0x40000000u;  // number of the first resample's noise
constexpr std::size_t kGroup = std::tuple_size_v<PairedBootstrap::Group>;

// The Poisson(1) number at a uniform one.
double poisson(double uniform) {
  double probability = std::exp(-1.0), below = probability;
  double count = 0;
  while (uniform > below && probability > 0) {
    count += 1;
    probability /= count;
    below += probability;
  }
  return count;
}

double calibration(std::span<const double> sums, std::size_t prediction, bool of_gaps) {
  const double targets = sums[PairedBootstrap::kTargets];
  const auto parts = sums.subspan(PairedBootstrap::part(prediction, 0), PairedBootstrap::kParts);
  if (!of_gaps) return std::sqrt(parts[0] / targets);
  double gaps = 0;
  for (const double gap : parts) gaps += std::abs(gap);
  return gaps / targets;
}

PairedBootstrap::Interval central(std::vector<double> values) {
  if (values.empty()) {
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    return {none, none};
  }
  std::ranges::sort(values);
  const auto at = [&](double share) {
    const double place = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    return std::lerp(values[below], values[above], place - std::floor(place));
  };
  return {at(0.025), at(0.975)};
}

}  // namespace

void PairedBootstrap::append(std::span<const Group> groups, std::uint64_t first,
                             std::vector<double>& sums) const {
  const std::size_t begin = sums.size();
  sums.resize(begin + kSize);
  cpu::parallel_for(kResamples, [&](std::size_t resample) {
    double* const to = sums.data() + begin + resample * kGroup;
    std::vector<double> uniform(groups.size());
    const auto draw = kAfterDraws + static_cast<std::uint32_t>(resample);
    fill_uniform(Stream(), noise_after_training(seed_, draw), first, uniform);
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const double times = poisson(uniform[g]);
      if (times == 0) continue;
      for (std::size_t k = 0; k < kGroup; ++k) to[k] += times * groups[g][k];
    }
  });
}

auto PairedBootstrap::intervals(std::span<const double> sums, bool of_gaps)
    -> std::pair<Interval, Interval> {
  std::vector<double> losses, calibrations;
  for (std::size_t resample = 0; resample < kResamples; ++resample) {
    const auto of = sums.subspan(resample * kGroup, kGroup);
    if (!(of[kTargets] > 0)) continue;
    losses.push_back((of[loss(1)] - of[loss(0)]) / of[kTargets]);
    calibrations.push_back(calibration(of, 1, of_gaps) - calibration(of, 0, of_gaps));
  }
  return {central(losses), central(calibrations)};
}

}  // namespace bayesum
