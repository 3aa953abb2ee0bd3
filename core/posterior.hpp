#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/families/family.hpp"
#include "distributed/virtual_shards.hpp"

namespace bayesum {

// A named factor of a posterior: a family, and where its natural parameters start.
struct Block {
  std::string name;
  std::shared_ptr<const Family> family;
  std::size_t first = 0;
};

// A posterior is a point lambda in the natural parameters of an exponential family; a product of
// blocks is a mean field. lambda of all blocks is one contiguous float64 vector, so that prior,
// posterior and message are vectors of the same space and the learning rule is arithmetic on them.
// A copy is a full copy of lambda.
class Posterior {
 public:
  void add_block(std::string name, std::shared_ptr<const Family> family);

  const std::vector<Block>& blocks() const { return blocks_; }
  const Block& block(const std::string& name) const;  // Error(kUsage) when there is none
  std::size_t size() const { return natural_.size(); }
  std::size_t dimension() const;  // elements of theta, the blocks one after another
  std::span<double> natural() { return natural_; }
  std::span<const double> natural() const { return natural_; }
  std::span<const double> natural(const Block& block) const;

  bool proper() const;
  double log_partition() const;
  double entropy() const;
  std::vector<double> mean() const;  // expectation parameters, in the layout of natural()

  // One draw of theta, the blocks one after another, each with noise of its own: a pure function of
  // lambda and the noise id.
  void sample(NoiseId id, std::span<double> theta) const;
  double log_density(std::span<const double> theta) const;  // log q(theta)
  // T(theta) of every block, in the layout of natural().
  std::vector<double> sufficient_statistic(std::span<const double> theta) const;

  // From the centred form of every block to natural parameters at this posterior.
  void natural_from_centred(std::span<const double> centred, std::span<double> message) const;

  // Where lambda may be cut into `parts` slices of about as many units each, between blocks and
  // inside them. Error(kUsage) naming a block that cannot be cut where that leaves too few units
  // for every part to have one. The counts add up to size().
  std::vector<std::size_t> slice_counts(std::size_t parts) const;
  // The part of the posterior whose natural parameters are [range.first, range.last).
  Posterior slice(Range range) const;
  void assign(Range range, const Posterior& part);

 private:
  std::vector<Block> blocks_;
  std::vector<double> natural_;
};

// A prior, a point of the same space. Where it is flat (explicitly so, and improper) lambda_prior
// is zero and the coordinate adds nothing to log_partition.
struct Prior {
  std::vector<double> natural;
  double log_partition = 0;
};

// ELBO = E_q[log p(data | theta)] - KL(q || prior)
//      = expected_log_likelihood + <lambda_prior, mu> - A(lambda_prior) + entropy(q)
double elbo(const Posterior& q, const Prior& prior, double expected_log_likelihood);

}  // namespace bayesum
