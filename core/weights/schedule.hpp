#pragma once

#include <cstdint>
#include <string>

#include "core/config.hpp"

namespace bayesum {

// The learning rate over the steps of a training: it rises linearly over `warmup` steps, then is
// constant, falls linearly, or falls as half a cosine, towards `final_fraction` of its peak, which
// the step after the last would have (nanoGPT's schedule, whose lr_decay_iters is `steps`).
struct ScheduleConfig {
  std::string name = "cosine";
  std::int64_t warmup = 0;
  double final_fraction = 0;

  void describe(Fields& fields);
  bool falls() const { return name != "constant"; }  // to its end at the last step
};

// The factor on the learning rate at step t = 0 .. steps - 1:
//   t < warmup:   (t + 1) / (warmup + 1)
//   after it, with x = (t - warmup) / (steps - warmup), f the final fraction:
//     constant 1,   linear f + (1 - f)(1 - x),   cosine f + (1 - f)(1 + cos(pi x)) / 2
double scheduled(const ScheduleConfig& schedule, std::int64_t step, std::int64_t steps);

}  // namespace bayesum
