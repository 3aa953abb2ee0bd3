#pragma once

#include "kernels/glm_expectation.hpp"
#include "kernels/glm_pass.hpp"
#include "kernels/probit_loss.hpp"

namespace bayesum {

// body(loss), with the functor of this likelihood.
template <class Body>
auto with_loss(Likelihood likelihood, double dispersion, const Body& body) {
  switch (likelihood) {
    case Likelihood::kLogistic:
      return body(LogisticLoss{});
    case Likelihood::kProbit:
      return body(ProbitLoss{});
    case Likelihood::kNegativeBinomial:
      return body(NegativeBinomialLoss(dispersion));
    case Likelihood::kPoisson:
      break;
  }
  return body(PoissonLoss{});
}

}  // namespace bayesum
