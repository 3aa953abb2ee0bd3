#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "distributed/communicator.hpp"
#include "distributed/mpi.hpp"
#include "launch/train_config.hpp"

namespace bayesum {

// The processes that were started together, of which this is one: those of mpirun or srun, or this
// one alone. Those that may run on the same cores share them out: each computes with cores / ranks
// threads, unless OMP_NUM_THREADS says how many.
class Job {
 public:
  Job();

  Communicator& ranks() { return *ranks_; }

 private:
  std::optional<MpiSession> session_;
  std::unique_ptr<Communicator> ranks_;
};

// Collective: the name of every rank's host, by rank; at most 63 characters of it.
std::vector<std::string> hosts_of(const Stream& stream, Communicator& ranks);

// Collective: how many ranks say the same text as this one.
std::size_t ranks_that_say(const std::string& text, const Stream& stream, Communicator& ranks);

// Runs `body` on every rank that the configuration asks for, each with its communicator and a
// stream on its device. Error(kUsage) for a communicator that does not fit how the job was started,
// Error(kDevice) for a device that is not there; on every rank.
using RankBody = std::function<void(Communicator&, const Stream&)>;
void run_on_ranks(Job& job, const RunConfig& config, const RankBody& body);

}  // namespace bayesum
