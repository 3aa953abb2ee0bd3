#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/data/dataset.hpp"
#include "core/model.hpp"
#include "core/posterior.hpp"
#include "distributed/communicator.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// log p(data, theta_s) - log q(theta_s) for `draws` draws theta_s of q, a pure function of q, the
// data and the seed: what core/psis.hpp judges q by. Their mean estimates the ELBO.
//
// Collective, one pass over the data, whose design must be set: every rank visits its virtual
// shards, and the sums are added in the fixed order of distributed/sum_tree.hpp, so that the result
// has the same bits for any number of ranks. It is rank 0's; elsewhere it is empty. `stream` must
// be the host's. Holds draws x dimension numbers.
std::vector<double> log_importance_ratios(const Stream& stream, Communicator& communicator,
                                          Dataset& data, const Model& model, const Posterior& q,
                                          std::size_t draws, std::uint64_t seed);

}  // namespace bayesum
