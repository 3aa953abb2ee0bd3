#include "models/posterior_distance.hpp"

#include <algorithm>
#include <cmath>

namespace bayesum {

PosteriorDistance distance(const TrainedModel& p, const TrainedModel& q) {
  const TensorFile of_p = p.to_file();
  const TensorFile of_q = q.to_file();
  PosteriorDistance result;
  for (const Block& block : q.posterior.blocks()) {
    const auto here = q.posterior.natural(block);
    const auto there = p.posterior.natural(p.posterior.block(block.name));
    result.symmetrised_kl += 0.5 * (kl_divergence(*block.family, there, here) +
                                    kl_divergence(*block.family, here, there));
    const auto sd = of_q.tensors.find("sd." + block.name);
    if (sd == of_q.tensors.end()) continue;
    const auto& mean_p = of_p.tensor("mean." + block.name).values;
    const auto& mean_q = of_q.tensor("mean." + block.name).values;
    for (std::size_t i = 0; i < mean_q.size(); ++i) {
      result.largest_shift =
          std::max(result.largest_shift, std::abs(mean_p[i] - mean_q[i]) / sd->second.values[i]);
    }
  }
  return result;
}

}  // namespace bayesum
