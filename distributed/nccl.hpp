#pragma once

#include <memory>

#include "distributed/communicator.hpp"

namespace bayesum {

// Device buffers over NCCL, one GPU for each rank: the GPU of `stream`. Exists in a build with NCCL
// alone (BAYESUM_WITH_NCCL); callers test for it. Collective over `bootstrap`, which carries NCCL's
// id to all ranks, is used by abort(), and must outlive the result.
//
// Collectives are queued on the stream they are given, which must be one of the same GPU, and
// return before they are done; barrier waits. Errors are Error(kDevice) with NCCL's words; those
// that come to light later are thrown by the next call. A rank waiting on its GPU is not woken by
// the failure of another: that takes abort().
std::unique_ptr<Communicator> make_nccl_communicator(Communicator& bootstrap, const Stream& stream);

}  // namespace bayesum
