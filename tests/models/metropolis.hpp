#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/models/glm_reference.hpp"

namespace bayesum::oracle {

// What a chain says of one quantity, and how well it knows.
struct Estimate {
  double mean = 0;
  double sd = 0;
  double effective_draws = 0;  // (sd / standard error of the mean)^2, by batch means
  double sd_error = 0;         // standard error of the sd, relative
};

// The posterior of a GLM by the Metropolis-Hastings algorithm: every sweep is one step of a random
// walk and one of an independence sampler whose proposal, a Student-t with 8 degrees of freedom,
// has heavier tails than the target. Both take location and scale from `guess`, which decides how
// fast the chain mixes and not where it converges to. It starts four standard deviations off.
//
// One estimate for each coefficient on the scale of the data.
std::vector<Estimate> metropolis(const Glm& glm, const Moments& guess, std::size_t sweeps,
                                 std::uint64_t seed);

}  // namespace bayesum::oracle
