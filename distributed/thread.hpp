#pragma once

#include <functional>

#include "distributed/communicator.hpp"

namespace bayesum {

// N ranks as threads of this process, for tests and debugging. Runs body(communicator) once on each
// rank and returns when all have returned. Sums are formed in rank order: the same bits every time.
//
// A rank that throws takes the others down: whoever waits in a call, or makes another, leaves by an
// exception, and run_on_threads rethrows the first failure, the cause and not its consequences.
// abort(code) is such a failure, an Error with that code.
//
// Error(kDisagreement) names the ranks when they call different collectives, or one with different
// counts, types, reductions or roots, when a message does not fit its receiver, and when every rank
// waits for a call that no other will make. send waits for its receive.
void run_on_threads(int ranks, const std::function<void(Communicator&)>& body);

}  // namespace bayesum
