#include "models/regression/linear_posterior.hpp"

#include <cmath>
#include <utility>

#include "core/families/gaussian.hpp"
#include "core/families/normal_gamma.hpp"
#include "kernels/error.hpp"
#include "kernels/glm_pass.hpp"
#include "models/regression/gaussian_coefficients.hpp"

namespace bayesum {
namespace {

LinearPosterior of_gaussian(std::span<const double> natural, std::size_t dimension) {
  auto gaussian = GaussianMoments::from_natural(natural, dimension);
  LinearPosterior q;
  q.inverse_factor = gaussian.inverse_factor();
  q.mean = std::move(gaussian.mean);
  return q;
}

LinearPosterior of_diagonal(const Family& family, std::span<const double> natural) {
  Moments moments = family.moments(natural);
  LinearPosterior q;
  q.mean = std::move(moments.mean);
  for (const double sd : moments.sd) q.variance.push_back(sd * sd);
  return q;
}

LinearPosterior of_normal_gamma(std::span<const double> natural, std::size_t coefficients) {
  auto moments = NormalGammaMoments::from_natural(natural, coefficients);
  LinearPosterior q;
  q.shape = moments.a;
  q.rate = moments.b;
  q.inverse_factor = GaussianMoments{moments.mean, std::move(moments.factor)}.inverse_factor();
  for (double& x : q.inverse_factor) x *= std::sqrt(q.rate / q.shape);
  q.mean = std::move(moments.mean);
  return q;
}

}  // namespace

LinearPosterior LinearPosterior::of(const Posterior& posterior) {
  const Block& block = posterior.block("coefficients");
  const auto natural = posterior.natural(block);
  const std::string family = block.family->name();
  const std::size_t dimension = block.family->dimension();
  if (family == "gaussian") return of_gaussian(natural, dimension);
  if (family == "diagonal-gaussian") return of_diagonal(*block.family, natural);
  if (family == "normal-gamma") return of_normal_gamma(natural, dimension - 1);
  throw Error(ExitCode::kUsage, "coefficients of a " + family + " family have no linear predictor");
}

void LinearPosterior::functionals(MatrixView<const double> x, std::span<const double> offset,
                                  std::span<double> location,
                                  std::span<double> squared_scale) const {
  GlmPass pass;
  pass.x = x;
  pass.offset = offset;
  pass.mean = mean;
  pass.variance = variance;
  if (!inverse_factor.empty())
    pass.inverse_factor = {inverse_factor.data(), mean.size(), mean.size()};
  linear_predictor(Stream(), pass, location, squared_scale);
}

void LinearPosterior::functionals(const SparseView& x, std::span<const double> offset,
                                  std::span<double> location,
                                  std::span<double> squared_scale) const {
  GlmPass pass;
  pass.sparse = x;
  pass.offset = offset;
  pass.mean = mean;
  pass.variance = variance;
  std::vector<double> covariance;
  if (!inverse_factor.empty()) {
    covariance = covariance_of(inverse_factor, mean.size());
    pass.covariance = {covariance.data(), mean.size(), mean.size()};
  }
  linear_predictor(Stream(), pass, location, squared_scale);
}

}  // namespace bayesum
