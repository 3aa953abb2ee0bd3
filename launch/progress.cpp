#include "launch/progress.hpp"

#include <string>

#include "launch/table.hpp"

namespace bayesum {
namespace {

constexpr std::chrono::milliseconds kTerminalInterval{100};
constexpr std::chrono::seconds kPlainInterval{2};

}  // namespace

Progress::Progress(std::FILE* out, bool terminal, std::int64_t last_step)
    : out_(out), terminal_(terminal), last_step_(last_step) {}

Progress::~Progress() {
  if (line_open_) std::fputs("\n", out_);
  std::fflush(out_);
}

void Progress::show(const Moment& moment) {
  if (first_step_ < 0) {
    first_step_ = moment.step;
    first_seconds_ = moment.seconds;
  } else {
    const auto since = std::chrono::steady_clock::now() - drawn_;
    if (terminal_ ? since < kTerminalInterval : since < kPlainInterval) return;
  }
  draw(moment, false);
}

void Progress::finish(const Moment& moment) {
  if (terminal_ || moment.step != shown_step_) draw(moment, true);
}

void Progress::draw(const Moment& moment, bool last) {
  std::string line = "step " + std::to_string(moment.step) + " of at most " +
                     std::to_string(last_step_) + "  " + moment.words;
  const auto steps = static_cast<double>(moment.step - first_step_);
  const double seconds = moment.seconds - first_seconds_;
  if (steps > 0 && seconds > 0) {
    const auto left = static_cast<double>(last_step_ - moment.step);
    line += "  " + rounded(steps / seconds, 3) + " steps/s";
    if (!last) line += "  ETA < " + seconds_text(left * seconds / steps);
  }
  std::fputs(terminal_ ? ("\r" + line + "\033[K").c_str() : (line + "\n").c_str(), out_);
  std::fflush(out_);
  line_open_ = terminal_;
  shown_step_ = moment.step;
  drawn_ = std::chrono::steady_clock::now();
}

}  // namespace bayesum
