#pragma once

#include <memory>

#include "distributed/communicator.hpp"

namespace bayesum {

// One rank alone: collectives copy or do nothing, in the order of the stream. `memory` is where its
// payloads live, so that a single GPU needs no wire either.
std::unique_ptr<Communicator> make_self_communicator(DeviceKind memory = DeviceKind::kCpu);

}  // namespace bayesum
