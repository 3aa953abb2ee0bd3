#pragma once

#include "distributed/communicator.hpp"
#include "tests/laws/models.hpp"

namespace bayesum::laws {

// Law 2, collective: one step with rho = 1, from several random starts, is the exact posterior of
// the textbook, and the ELBO there is the log evidence.
void one_step_is_exact_bayes(const ModelMember& member, Communicator& communicator);

}  // namespace bayesum::laws
