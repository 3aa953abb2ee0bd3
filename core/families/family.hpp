#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/random.hpp"

namespace bayesum {

// The mean and the standard deviation of every element of theta; infinite where it does not exist.
struct Moments {
  std::vector<double> mean, sd;
};

// A minimal exponential family:
//
//   q(theta) = h(theta) exp( <lambda, T(theta)> - A(lambda) )
//
// lambda: natural parameters, T: sufficient statistic, A: log-partition (every normalising
// constant, 2 pi included, is in A), mu = E[T] = grad A(lambda): expectation parameters, h: base
// measure, one but where a family says otherwise. The four primitives below and sampling define a
// family; density, entropy, KL and Fisher information follow from them. Vectors are plain spans of
// `size()` float64; symmetric matrices in them are lower triangles packed row by row
// (kernels/matrix.hpp) whose entries make <lambda, T> a plain dot product. Wainwright and Jordan
// (2008), section 3.
class Family {
 public:
  virtual ~Family() = default;

  virtual std::string name() const = 0;
  virtual std::size_t dimension() const = 0;  // elements of theta
  virtual std::size_t size() const = 0;       // natural parameters

  // A family of independent pieces keeps the natural parameters of each piece together, `unit()` of
  // them, and can be cut between pieces; one that cannot be cut is a single piece.
  virtual std::size_t unit() const { return size(); }
  // The family of `units` of those pieces, units * unit() natural parameters. Called with size() /
  // unit() it is the family itself; of one that cannot be cut, Error(kUsage) for anything else.
  virtual std::shared_ptr<const Family> of_units(std::size_t units) const;

  // Is lambda in the natural parameter space, so that q can be normalised? False for NaN.
  virtual bool proper(std::span<const double> natural) const = 0;

  virtual void sufficient_statistic(std::span<const double> theta, std::span<double> t) const = 0;
  virtual double log_base_measure(std::span<const double> theta) const;  // log h; zero
  virtual double log_partition(std::span<const double> natural) const = 0;
  virtual void mean_from_natural(std::span<const double> natural, std::span<double> mean) const = 0;
  virtual void natural_from_mean(std::span<const double> mean, std::span<double> natural) const = 0;

  // One draw of theta, a pure function of lambda and the noise id.
  virtual void sample(std::span<const double> natural, NoiseId id,
                      std::span<double> theta) const = 0;

  virtual Moments moments(std::span<const double> natural) const = 0;

  // The entropy relative to the base measure, -E[log q / h] = A(lambda) - <lambda, mu>: what a KL
  // or an ELBO needs, in which h cancels. Where the two nearly cancel, as in a narrow Gaussian far
  // from zero, a family gives what is left in closed form.
  virtual double entropy(std::span<const double> natural) const;

  // From the centred form in which evidence crosses the wire to natural parameters. For a Gaussian
  // with mean m the centred form is [g ; H], sums of gradient and Hessian of the negative
  // log-likelihood averaged under q in the layout of lambda, and the message is (H m - g, -H/2).
  // Families without one use natural parameters on the wire and keep this default, which throws.
  virtual void natural_from_centred(std::span<const double> natural,
                                    std::span<const double> centred,
                                    std::span<double> message) const;

  // A step of size rho from lambda towards `target`, a point that need not be proper, along a path
  // that never leaves the natural parameter space (see make_retraction_rule). Error(kUsage) for
  // families without one.
  virtual void retract(double rho, std::span<const double> natural, std::span<const double> target,
                       std::span<double> next) const;
};

// What follows from the primitives. KL(p || q) = A(q) - A(p) - <q - p, mu_p>.
double log_density(const Family& family, std::span<const double> natural,
                   std::span<const double> theta);
double kl_divergence(const Family& family, std::span<const double> p, std::span<const double> q);
// Fisher information d mu / d lambda, size x size row-major, by central differences of the mean
// map: for diagnostics and tests of small families.
std::vector<double> fisher_information(const Family& family, std::span<const double> natural);

// By name and dimension, as posterior files state them. Throws Error(kFile) for an unknown name and
// for a dimension that no member of the family has.
//   "gaussian" "diagonal-gaussian" "normal-gamma" "diagonal-normal-gamma" "wishart"
//   "normal-wishart" "gamma" "poisson" "beta" "bernoulli" "dirichlet" "categorical"
std::shared_ptr<const Family> make_family(const std::string& name, std::size_t dimension);

}  // namespace bayesum
