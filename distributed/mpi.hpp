#pragma once

#include <memory>
#include <string>

#include "distributed/communicator.hpp"
#include "distributed/heartbeat.hpp"

namespace bayesum {

// MPI from start to end, once in a process: initialises with MPI_THREAD_MULTIPLE, takes
// MPI_THREAD_SERIALIZED as enough, else throws Error(kDevice). The end waits for every rank; when
// an exception is on its way it does not, so that the process can end and its launcher take the
// others down. Communicators must be gone before.
class MpiSession {
 public:
  MpiSession();
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

 private:
  int exceptions_at_start_;
};

// Did mpirun or srun start this process as one rank of several? Asks the environment, not MPI.
bool launched_by_mpi();

// All ranks of the job, host buffers. Collective. Needs an MpiSession that outlives it. Large
// payloads go in pieces, so counts have no limit. Errors of MPI are Error(kDevice), naming rank and
// function.
std::unique_ptr<Communicator> make_mpi_communicator();

// Pulses between all ranks of the job. Collective. Needs an MpiSession that outlives it. Null, on
// every rank, where MPI does not let two threads communicate at once (MPI_THREAD_MULTIPLE).
//
// The ranks end it together, when each has received what the others sent; on its way out of an
// exception a rank ends it alone.
std::unique_ptr<Heartbeat> make_mpi_heartbeat();

// The rank of this process among those on its host, which chooses its GPU. Collective, needs an
// MpiSession. Right under every launcher, unlike any environment variable.
int mpi_local_rank();

std::string mpi_library_version();  // the first line of what the library says; needs no session
std::string host_name();

}  // namespace bayesum
