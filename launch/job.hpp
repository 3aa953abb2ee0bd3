#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "distributed/communicator.hpp"
#include "distributed/mpi.hpp"
#include "launch/train_config.hpp"

namespace bayesum {

// The processes that were started together, of which this is one: those of mpirun or srun, or this
// one alone.
class Job {
 public:
  Job();

  Communicator& ranks() { return *ranks_; }

 private:
  std::optional<MpiSession> session_;
  std::unique_ptr<Communicator> ranks_;
};

// Runs `body` on every rank that the configuration asks for, each with its communicator and a
// stream on its device. Error(kUsage) for a communicator that does not fit how the job was started,
// Error(kDevice) for a device that is not there; on every rank.
using RankBody = std::function<void(Communicator&, const Stream&)>;
void run_on_ranks(Job& job, const RunConfig& config, const RankBody& body);

}  // namespace bayesum
