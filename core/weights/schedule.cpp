#include "core/weights/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace bayesum {

void ScheduleConfig::describe(Fields& fields) {
  fields.add("schedule.name", name, {"constant", "linear", "cosine"},
             "of the learning rate after the warmup: constant, or down to final_fraction of its "
             "peak along a line or half a cosine");
  fields.add("schedule.warmup", warmup, {0, 1e15},
             "steps over which the learning rate rises linearly to its peak");
  fields.add("schedule.final_fraction", final_fraction, {.low = 0, .high = 1},
             "of the peak, to which the learning rate falls");
}

double scheduled(const ScheduleConfig& schedule, std::int64_t step, std::int64_t steps) {
  if (step < schedule.warmup) {
    return static_cast<double>(step + 1) / static_cast<double>(schedule.warmup + 1);
  }
  if (!schedule.falls()) return 1.0;
  const auto length = static_cast<double>(std::max<std::int64_t>(steps - schedule.warmup, 1));
  const double x = std::min(static_cast<double>(step - schedule.warmup) / length, 1.0);
  const double left =
      schedule.name == "linear" ? 1.0 - x : 0.5 * (1.0 + std::cos(std::numbers::pi * x));
  return schedule.final_fraction + (1.0 - schedule.final_fraction) * left;
}

}  // namespace bayesum
