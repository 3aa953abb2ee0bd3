#pragma once

#include <functional>

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

}  // namespace bayesum
