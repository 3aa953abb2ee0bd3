#pragma once

#include "distributed/communicator.hpp"
#include "tests/laws/models.hpp"

namespace bayesum::laws {

// Law 3, collective: after T steps the posterior is that of one rank alone, whoever coordinates;
// the same bits in deterministic mode, to kFastTolerance of the largest natural parameter
// otherwise. Coordinators that this model's posterior cannot have are refused with a reason.
void sharding_does_not_matter(const ModelMember& member, Communicator& communicator);

// Can lambda be cut over so many ranks: between units, if there are enough of them or every block
// has more than one?
bool can_be_cut(const Posterior& q, int ranks);

// T steps of a summation in another order, each magnified by the condition of the posterior.
inline constexpr double kFastTolerance = 1e-12;

}  // namespace bayesum::laws
