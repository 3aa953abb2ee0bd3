#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace bayesum {

// Tells how a training goes: on a terminal one line, drawn again and again; elsewhere a line now
// and then, the first at once and the last at the end.
class Progress {
 public:
  // Where a training stands: the step, the seconds since it began, and a few words on how it does.
  struct Moment {
    std::int64_t step = 0;
    double seconds = 0;
    std::string words;
  };

  Progress(std::FILE* out, bool terminal, std::int64_t last_step);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();  // leaves a terminal's cursor at the start of a new line

  void show(const Moment& moment);
  void finish(const Moment& moment);  // shows it even if that was too soon

 private:
  void draw(const Moment& moment, bool last);

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
