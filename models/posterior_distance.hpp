#pragma once

#include "models/trained_model.hpp"

namespace bayesum {

// How far two posteriors over the same theta are apart.
struct PosteriorDistance {
  double symmetrised_kl = 0;  // (KL(p || q) + KL(q || p)) / 2, summed over blocks
  // The largest |E_p - E_q| / sd_q of an element, of those whose moments a posterior file gives.
  double largest_shift = 0;
};
PosteriorDistance distance(const TrainedModel& p, const TrainedModel& q);

}  // namespace bayesum
