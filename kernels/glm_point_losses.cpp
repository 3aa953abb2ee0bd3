#include "kernels/glm_point_losses.hpp"

#include "kernels/glm_likelihood.hpp"
#include "kernels/parallel.hpp"

namespace bayesum {

void add_point_losses(const GlmPoints& points, std::span<double> sums) {
  with_loss(points.likelihood, points.dispersion, [&](const auto& loss) {
    cpu::parallel_for(sums.size(), [&](std::size_t s) {
      double sum = 0.0;
      for (std::size_t i = 0; i < points.z.rows; ++i) {
        const double offset = points.offset.empty() ? 0.0 : points.offset[i];
        const double weight = points.weight.empty() ? 1.0 : points.weight[i];
        const double z = points.z.data[i * points.z.stride + s] + offset;
        sum += weighted(loss.at(points.y[i], z), weight).loss;
      }
      sums[s] += sum;
    });
  });
}

}  // namespace bayesum
