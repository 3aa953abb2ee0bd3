#include "models/latent/mixture_posterior.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "core/families/special.hpp"
#include "kernels/cholesky.hpp"
#include "kernels/error.hpp"
#include "kernels/gemm.hpp"

namespace bayesum {
namespace {

const double kLogTwoPi = std::log(2.0 * std::numbers::pi);

const Block& component(const Posterior& q, std::size_t k) { return q.blocks()[1 + k]; }

NormalWishartMoments moments_of(const Posterior& q, std::size_t k, std::size_t columns) {
  return NormalWishartMoments::from_natural(q.natural(component(q, k)), columns);
}

// The sum of the parameters of a Dirichlet.
double total_of(std::span<const double> natural) {
  return std::accumulate(natural.begin(), natural.end(), static_cast<double>(natural.size()));
}

// Of the mean and the sd of one column within a component.
struct ColumnMarginals {
  Marginal mean, sd;
};
std::vector<ColumnMarginals> column_marginals(const Posterior& q, std::size_t k,
                                              std::size_t columns) {
  const NormalWishartMoments moments = moments_of(q, k, columns);
  const double nu = moments.degrees_of_freedom();
  const std::vector<double> scales = moments.scales(), w = moments.precision.inverse_scale();
  std::vector<ColumnMarginals> found;
  for (std::size_t j = 0; j < columns; ++j) {
    found.push_back({student_t_marginal(moments.mean[j], scales[j], nu),
                     sd_marginal(0.5 * nu, 0.5 * w[j * columns + j])});
  }
  return found;
}

// D from D + D (D + 1) / 2 elements of a mean and a precision.
std::size_t columns_of(const Posterior& q) {
  std::size_t columns = 0;
  while (columns + packed_size(columns) < component(q, 0).family->dimension()) ++columns;
  return columns;
}

// Appends scale * C^-1 for C a lower-triangular D x D factor.
void append_inverse(double scale, MatrixView<const double> factor, std::vector<double>& out) {
  std::vector<double> inverse(factor.rows * factor.rows);
  invert_triangular(Stream(), factor, {inverse.data(), factor.rows, factor.rows});
  for (const double x : inverse) out.push_back(scale * x);
}

// The lower-triangular R with R' R = Lambda, packed, appended; log|Lambda| / 2.
double append_root(std::span<const double> packed, std::size_t columns, std::vector<double>& out) {
  const Stream host;
  std::vector<double> factor(columns * columns), inverse(columns * columns),
      covariance(columns * columns);
  const MatrixView<double> l(factor.data(), columns, columns);
  const MatrixView<double> l_inverse(inverse.data(), columns, columns);
  const MatrixView<double> sigma(covariance.data(), columns, columns);
  unpack_symmetric(host, 1.0, packed, l);
  if (!cholesky(host, l)) {
    throw Error(ExitCode::kNumerical, "the precision of a component is not positive definite");
  }
  const double half_log_determinant = 0.5 * log_determinant(host, l);
  invert_triangular(host, l, l_inverse);
  gemm(host, {.transpose_a = Transpose::kYes}, l_inverse, l_inverse, sigma);
  if (!cholesky(host, sigma)) {
    throw Error(ExitCode::kNumerical, "the covariance of a component is not positive definite");
  }
  append_inverse(1.0, sigma, out);
  return half_log_determinant;
}

double log_student_t_constant(double nu, double d) {
  return special::log_gamma(0.5 * (nu + d)) - special::log_gamma(0.5 * nu) -
         0.5 * d * std::log(nu * std::numbers::pi);
}

}  // namespace

void add_cluster(std::span<double> natural, std::span<const double> mean, double rows,
                 double variance) {
  const std::size_t d = mean.size();
  natural[1] -= 0.5 * rows;
  for (std::size_t i = 0; i < d; ++i) {
    natural[2 + i] += rows * mean[i];
    for (std::size_t j = 0; j < i; ++j) {
      natural[2 + d + packed_index(i, j)] -= rows * mean[i] * mean[j];
    }
    natural[2 + d + packed_index(i, i)] -= 0.5 * rows * (mean[i] * mean[i] + variance);
  }
}

MixtureComponents MixtureComponents::expected(const Posterior& q) {
  MixtureComponents found;
  found.columns = columns_of(q);
  const auto d = static_cast<double>(found.columns);
  const std::vector<double> mean = q.mean();
  for (std::size_t k = 0; k + 1 < q.blocks().size(); ++k) {
    const NormalWishartMoments moments = moments_of(q, k, found.columns);
    found.constant.push_back(mean[q.blocks()[0].first + k] +
                             0.5 *
                                 (mean[component(q, k).first] - d / moments.kappa - d * kLogTwoPi));
    found.means.insert(found.means.end(), moments.mean.begin(), moments.mean.end());
    append_inverse(std::sqrt(moments.precision.degrees), moments.precision.factor_view(),
                   found.factors);
  }
  return found;
}

MixtureComponents MixtureComponents::at(std::span<const double> theta, std::size_t count,
                                        std::size_t columns) {
  MixtureComponents found;
  found.columns = columns;
  const auto d = static_cast<double>(columns);
  for (std::size_t k = 0; k < count; ++k) {
    const auto own = theta.subspan(count + k * (columns + packed_size(columns)));
    found.means.insert(found.means.end(), own.begin(),
                       own.begin() + static_cast<std::ptrdiff_t>(columns));
    const double half_log_determinant =
        append_root(own.subspan(columns, packed_size(columns)), columns, found.factors);
    found.constant.push_back(std::log(theta[k]) + half_log_determinant - 0.5 * d * kLogTwoPi);
  }
  return found;
}

MixturePredictive::MixturePredictive(const TrainedModel& trained) {
  const Posterior& q = trained.posterior;
  const auto weights = q.natural(q.blocks()[0]);
  const double total = total_of(weights);
  for (std::size_t k = 0; k < weights.size(); ++k) {
    add((weights[k] + 1.0) / total, moments_of(q, k, columns_of(q)));
  }
  for (const double sd : trained.design.sd) log_jacobian_ -= std::log(sd);
}

MixturePredictive MixturePredictive::of_one_component(const TrainedModel& trained) {
  const Posterior& q = trained.posterior;
  const auto prior = [&](const Block& block) {
    return std::span(trained.prior.natural).subspan(block.first, block.family->size());
  };
  const auto first = prior(component(q, 0));
  std::vector<double> natural(first.begin(), first.end());
  for (std::size_t k = 0; k + 1 < q.blocks().size(); ++k) {
    const auto own = q.natural(component(q, k)), before = prior(component(q, k));
    for (std::size_t i = 0; i < natural.size(); ++i) natural[i] += own[i] - before[i];
  }
  MixturePredictive one;
  one.add(1.0, NormalWishartMoments::from_natural(natural, columns_of(q)));
  for (const double sd : trained.design.sd) one.log_jacobian_ -= std::log(sd);
  return one;
}

void MixturePredictive::add(double weight, const NormalWishartMoments& q) {
  const std::size_t columns = q.mean.size();
  const auto d = static_cast<double>(columns);
  const double nu = q.degrees_of_freedom();
  const double shrink = q.kappa * nu / (q.kappa + 1.0);  // scale matrix = W / shrink
  weight_.push_back(weight);
  degrees_.push_back(nu);
  metric_.columns = columns;
  metric_.constant.push_back(std::log(weight) + log_student_t_constant(nu, d) +
                             0.5 * (d * std::log(shrink) - q.precision.log_determinant()));
  metric_.means.insert(metric_.means.end(), q.mean.begin(), q.mean.end());
  append_inverse(std::sqrt(shrink), q.precision.factor_view(), metric_.factors);
}

void MixturePredictive::evaluate(MatrixView<const double> x, std::span<double> log_density,
                                 std::span<double> probability) const {
  const Stream host;
  const std::size_t n = x.rows, components = count();
  const auto d = static_cast<double>(metric_.columns);
  std::vector<double> distance(components * n), loss(n);
  squared_distances(host, x, metric_.metric(), {distance.data(), components, n});
  for (std::size_t k = 0; k < components; ++k) {
    const double nu = degrees_[k];
    for (double& at : std::span(distance).subspan(k * n, n)) at = (nu + d) * std::log1p(at / nu);
  }
  apply(host,
        ResolveComponents{.components = components,
                          .stride = n,
                          .constant = metric_.constant.data(),
                          .row_weight = nullptr,
                          .distance = distance.data(),
                          .loss = loss.data()},
        n);
  for (std::size_t i = 0; i < n; ++i) {
    log_density[i] = log_jacobian_ - loss[i];
    if (probability.empty()) continue;
    for (std::size_t k = 0; k < components; ++k) {
      probability[i * components + k] = distance[k * n + i];
    }
  }
}

std::vector<Coefficient> mixture_coefficients(const TrainedModel& trained) {
  const Posterior& q = trained.posterior;
  const Design& design = trained.design;
  const std::size_t columns = design.features.size();
  Posterior prior = q;
  std::ranges::copy(trained.prior.natural, prior.natural().begin());
  const auto weights = q.natural(q.blocks()[0]);
  const double total = total_of(weights), prior_total = total_of(prior.natural(q.blocks()[0]));
  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order,
                           [&](std::size_t a, std::size_t b) { return weights[a] > weights[b]; });
  std::vector<Coefficient> table;
  for (const std::size_t k : order) {
    const std::string number = std::to_string(k + 1);
    const double alpha = weights[k] + 1.0;
    const double alpha0 = prior.natural()[k] + 1.0;
    const Marginal weight = beta_marginal(alpha, total - alpha);
    table.push_back(
        {"weight." + number, weight, weight.sd, beta_marginal(alpha0, prior_total - alpha0).sd});
    const std::vector<ColumnMarginals> own = column_marginals(q, k, columns);
    const std::vector<ColumnMarginals> before = column_marginals(prior, k, columns);
    std::vector<Coefficient> sds;
    for (std::size_t j = 0; j < columns; ++j) {
      const double unit = design.sd[j];
      table.push_back({"mean." + number + "." + design.features[j],
                       rescaled(own[j].mean, unit, design.mean[j]), own[j].mean.sd,
                       before[j].mean.sd});
      sds.push_back({"sd." + number + "." + design.features[j], rescaled(own[j].sd, unit),
                     own[j].sd.sd, before[j].sd.sd});
    }
    table.insert(table.end(), sds.begin(), sds.end());
  }
  return table;
}

}  // namespace bayesum
