#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>

#include "core/trainer.hpp"

namespace bayesum {

// Tells how a training goes: on a terminal one line, drawn again and again; elsewhere a line now
// and then, the first at once and the last at the end.
class Progress {
 public:
  Progress(std::FILE* out, bool terminal, std::int64_t last_step);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();  // leaves a terminal's cursor at the start of a new line

  void show(const StepReport& report);
  void finish(const StepReport& report);  // shows it even if that was too soon

 private:
  void draw(const StepReport& report, bool last);

  std::FILE* out_;
  bool terminal_;
  std::int64_t last_step_;
  std::int64_t first_step_ = -1;
  std::int64_t shown_step_ = -1;
  double first_seconds_ = 0;
  std::chrono::steady_clock::time_point drawn_;
  bool line_open_ = false;
};

}  // namespace bayesum
