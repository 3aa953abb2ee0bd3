#pragma once

#include <optional>

#include "distributed/activity.hpp"

namespace bayesum {

// Pulses between the ranks of a job, on a wire of their own beside all collectives. For one thread,
// which may use it while another communicates. No call waits, and none throws.
class Heartbeat {
 public:
  struct Beat {
    int from = 0;
    Pulse pulse;
  };

  virtual ~Heartbeat() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  // Not sent, and false, while the last one to that rank is still on its way.
  virtual bool send(const Pulse& pulse, int to) = 0;
  // The next that has arrived, in the order in which its rank sent it, if any has.
  virtual std::optional<Beat> receive() = 0;

  // Takes all ranks down with this exit code, whatever their other threads are stuck in.
  [[noreturn]] virtual void abort(int code) = 0;
};

}  // namespace bayesum
