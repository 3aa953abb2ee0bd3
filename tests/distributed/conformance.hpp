#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "distributed/communicator.hpp"
#include "kernels/stream.hpp"

namespace bayesum::conformance {

// What every communicator promises, as test bodies. Each rank calls the body with its communicator
// and a stream on `communicator.memory()`; expectations are GoogleTest's. A new communicator joins
// by running all of `laws()`.
struct Law {
  std::string name;
  void (*body)(Communicator& communicator, const Stream& stream);
};

const std::vector<Law>& laws();

inline void PrintTo(const Law& law, std::ostream* out) { *out << law.name; }

}  // namespace bayesum::conformance
