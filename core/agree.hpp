#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "distributed/communicator.hpp"

namespace bayesum {

// Collective: does this rank's local work, then agrees on whether all ranks could do theirs, so
// that a failure of one is a failure of all and nobody waits for who has left. When some failed,
// every rank throws the Error of the lowest of them, its sentence ending in "(rank 3)" where there
// are several ranks. A file system's exception becomes Error(kFile), any other std::exception
// Error(kDevice). The work must not speak to other ranks.
//
// Costs an all-reduce of 8 bytes when all is well.
void agree(Communicator& communicator, const Stream& stream,
           const std::function<void()>& local_work);

// Collective: Error(kDisagreement) on every rank, naming the first rank whose value is not rank
// 0's. `what` says what the value stands for: "configuration".
void require_same(Communicator& communicator, const Stream& stream, std::uint64_t value,
                  const std::string& what);

}  // namespace bayesum
