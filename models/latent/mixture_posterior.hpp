#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/data/dataset.hpp"
#include "core/families/normal_wishart.hpp"
#include "core/posterior.hpp"
#include "kernels/mixture_pass.hpp"
#include "models/regression/coefficients.hpp"
#include "models/trained_model.hpp"

namespace bayesum {

// Adds to the natural parameters of a Normal-Wishart what so many rows of this mean, of squared
// deviation `variance` in every column, would teach it.
void add_cluster(std::span<double> natural, std::span<const double> mean, double rows,
                 double variance);

// K components as rows meet them: log rho_k(x) = constant_k - |R_k (x - m_k)|^2 / 2.
struct MixtureComponents {
  std::size_t columns = 0;       // D
  std::vector<double> constant;  // K
  std::vector<double> means;     // K x D
  std::vector<double> factors;   // (K D) x D, lower-triangular R_k

  std::size_t count() const { return constant.size(); }
  MixtureMetric metric() const {
    return {{means.data(), count(), columns}, {factors.data(), count() * columns, columns}};
  }
  // Of E_q[log pi_k N(x | mu_k, Lambda_k^-1)]: R_k' R_k = n_k W_k^-1 and
  //   constant_k = E[log pi_k] + E[log|Lambda_k|]/2 - D/(2 kappa_k) - D log(2 pi)/2
  static MixtureComponents expected(const Posterior& q);
  // At one draw of theta: weights, then mean and packed precision of every component.
  static MixtureComponents at(std::span<const double> theta, std::size_t count,
                              std::size_t columns);
};

// The predictive distribution of a row of the columns' own scale, with every parameter integrated
// out: a mixture, weighted by E[pi_k], of multivariate Student-t distributions with
// nu_k = n_k - D + 1 degrees of freedom and scale matrices (kappa_k + 1)/(kappa_k nu_k) W_k.
// Bishop (2006), section 10.2.3.
class MixturePredictive {
 public:
  explicit MixturePredictive(const TrainedModel& trained);
  // The same model with one component, whose posterior is exact: what all components together have
  // learned, since every row was shared among them whole.
  static MixturePredictive of_one_component(const TrainedModel& trained);

  std::size_t count() const { return weight_.size(); }
  // For n rows read through the trained design: log densities of the columns as they are in the
  // file (n), and probabilities that a row is of a component (n x K).
  void evaluate(MatrixView<const double> x, std::span<double> log_density,
                std::span<double> probability) const;

 private:
  MixturePredictive() = default;
  void add(double weight, const NormalWishartMoments& q);

  MixtureComponents metric_;
  std::vector<double> weight_;   // E[pi_k]
  std::vector<double> degrees_;  // nu_k
  double log_jacobian_ = 0;      // of the standardization
};

// Lines "weight.k", "mean.k.COLUMN" and "sd.k.COLUMN" of every component, those with the largest
// weight first, on the data's scale: weights have Beta marginals, means Student-t ones, and the
// squared sds within a component, diagonal elements of Lambda^-1, are inverse Gamma. k is the
// number of the posterior's block. Prior sds are those of the same marginals of the prior, infinite
// where it has too few degrees of freedom for one.
std::vector<Coefficient> mixture_coefficients(const TrainedModel& trained);

}  // namespace bayesum
