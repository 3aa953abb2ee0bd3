#include "kernels/mixture_pass.hpp"

#include <cmath>

#include "kernels/error.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace bayesum::test {
namespace {

using MixturePassTest = KernelTest;

TEST_F(MixturePassTest, SquaredDistances) {
  for (const std::size_t d : {1, 2, 7, 33}) {
    for (const std::size_t k : {1, 3, 8}) {
      const auto means = random_vector(k * d, 1, -3, 3);
      auto factors = random_vector(k * d * d, 2);
      for (const std::size_t n : {0, 1, 31, 127, 128, 129, 257}) {
        const auto x = random_vector(n * d, 3, -3, 3);
        auto rows = on_device(x), centres = on_device(means), metric = on_device(factors),
             out = zeros(k * n);
        squared_distances(stream(), {rows.data(), n, d},
                          {{centres.data(), k, d}, {metric.data(), k * d, d}}, {out.data(), k, n});
        std::vector<double> expected(k * n);
        for (std::size_t c = 0; c < k; ++c) {
          for (std::size_t i = 0; i < n; ++i) {
            long double sum = 0;
            for (std::size_t a = 0; a < d; ++a) {
              long double mapped = 0;
              for (std::size_t b = 0; b <= a; ++b) {  // what is above the diagonal has no part
                mapped += static_cast<long double>(factors[(c * d + a) * d + b]) *
                          (x[i * d + b] - means[c * d + b]);
              }
              sum += mapped * mapped;
            }
            expected[c * n + i] = static_cast<double>(sum);
          }
        }
        expect_near(out.host(), expected, 1e-13);
      }
    }
  }
}

// Rows as far away as a double can square are shared and scored like any other.
TEST_F(MixturePassTest, ResolvesComponents) {
  constexpr std::size_t kComponents = 5;
  for (const std::size_t n : kAwkwardSizes) {
    for (const double far : {1.0, 1e8, 1e300}) {
      for (const bool weighted : {false, true}) {
        const auto distance = random_vector(kComponents * n, 4, 0.5 * far, far),
                   constant = random_vector(kComponents, 5, -3, 0),
                   weight = random_vector(n, 6, 0, 2);
        auto at = on_device(distance), offset = on_device(constant), w = on_device(weight),
             loss = zeros(n);
        apply(stream(),
              ResolveComponents{.components = kComponents,
                                .stride = n,
                                .constant = offset.data(),
                                .row_weight = weighted ? w.data() : nullptr,
                                .distance = at.data(),
                                .loss = loss.data()},
              n);
        std::vector<double> expected(kComponents * n), expected_loss(n);
        for (std::size_t i = 0; i < n; ++i) {
          const long double row = weighted ? weight[i] : 1.0L;
          std::vector<long double> log_rho;
          for (std::size_t k = 0; k < kComponents; ++k) {
            log_rho.push_back(constant[k] - distance[k * n + i] / 2.0L);
          }
          const long double top = *std::max_element(log_rho.begin(), log_rho.end());
          long double sum = 0;
          for (const long double l : log_rho) sum += std::exp(l - top);
          for (std::size_t k = 0; k < kComponents; ++k) {
            expected[k * n + i] = static_cast<double>(row * std::exp(log_rho[k] - top) / sum);
          }
          expected_loss[i] = static_cast<double>(-row * (top + std::log(sum)));
        }
        // Of distances of 1e8 the last eight digits tell the components apart.
        expect_near(at.host(), expected, far == 1e8 ? 1e-7 : 1e-14);
        expect_near(loss.host(), expected_loss, 1e-14 * far);
      }
    }
  }
}

TEST_F(MixturePassTest, RefusesWhatDoesNotFit) {
  auto x = zeros(6), means = zeros(4), factors = zeros(8), out = zeros(6);
  EXPECT_THROW(
      squared_distances(stream(), {x.data(), 3, 2}, {{means.data(), 2, 2}, {factors.data(), 4, 2}},
                        {out.data(), 3, 2}),
      Error);
}

}  // namespace
}  // namespace bayesum::test
