#include "launch/job.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "core/agree.hpp"
#include "core/watchdog.hpp"
#include "distributed/nccl.hpp"
#include "distributed/self.hpp"
#include "distributed/thread.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

Stream stream_for(const RunConfig& config, int local_rank) {
  if (config.device == "cpu") return Stream();
  return Stream({DeviceKind::kCuda, local_rank % std::max(1, cuda_device_count())});
}

std::unique_ptr<Communicator> nccl_over(Communicator& bootstrap, const Stream& stream) {
#ifdef BAYESUM_WITH_NCCL
  return make_nccl_communicator(bootstrap, stream);
#else
  throw Error(ExitCode::kDevice, "run.communicator = 'nccl', but this program, rank " +
                                     std::to_string(bootstrap.rank()) + " on " +
                                     to_string(stream.device()) + ", was built without NCCL");
#endif
}

void check_fit(const RunConfig& config, int processes) {
  const std::string kind = config.communicator;
  const std::string asked = "run.communicator = '" + kind + "'";
  if (kind == "mpi" && !launched_by_mpi()) {
    throw Error(ExitCode::kUsage, asked + " needs a start by mpirun or srun");
  }
  if ((kind == "self" || kind == "thread") && processes > 1) {
    throw Error(ExitCode::kUsage,
                asked + " is for one process, " + std::to_string(processes) + " were started");
  }
  // srun without an MPI plugin starts tasks that do not know of each other.
  const char* tasks = std::getenv("SLURM_STEP_NUM_TASKS");
  if (kind == "auto" && processes == 1 && tasks != nullptr && std::string(tasks) != "1") {
    throw Error(ExitCode::kUsage,
                "srun started " + std::string(tasks) +
                    " tasks that cannot speak to each other: use srun --mpi=pmix");
  }
  if (kind == "nccl" && config.device != "cuda") {
    throw Error(ExitCode::kUsage, asked + " needs run.device = 'cuda'");
  }
}

// Collective, over host buffers: the name of every rank's host.
std::vector<std::string> hosts_of(Communicator& ranks) {
  constexpr std::size_t kLength = 64;  // of the longest name of a host that Linux allows
  const auto size = static_cast<std::size_t>(ranks.size());
  const std::vector<std::size_t> counts(size, kLength);
  std::vector<std::byte> names(size * kLength);
  const std::span mine =
      std::span(names).subspan(static_cast<std::size_t>(ranks.rank()) * kLength, kLength);
  const std::string name = host_name();
  std::ranges::copy(std::as_bytes(std::span(name).first(std::min(name.size(), kLength))),
                    mine.begin());
  ranks.all_gather(Stream(), mine, counts, std::span(names));
  std::vector<std::string> hosts;
  for (std::size_t rank = 0; rank < size; ++rank) {
    const std::string padded(reinterpret_cast<const char*>(&names[rank * kLength]), kLength);
    hosts.push_back(padded.substr(0, padded.find('\0')));
  }
  return hosts;
}

// Past the C library's streams, which a thread that hangs may hold.
void say_at_once(const std::string& sentence) {
  const std::string line = "bayesum: " + sentence + "\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

// Collective over all processes, which work by `used`. Null where there is no need, or no way.
std::unique_ptr<Watchdog> watch(Communicator& all, Communicator& used, double timeout) {
  if (all.size() == 1 || timeout == 0) return nullptr;
  std::unique_ptr<Heartbeat> heartbeat = make_mpi_heartbeat();
  if (!heartbeat) return nullptr;
  return std::make_unique<Watchdog>(used.activity(), std::move(heartbeat), HangWatch::Time(timeout),
                                    hosts_of(all), say_at_once);
}

void run_on_processes(Job& job, const RunConfig& config, const RankBody& body) {
  Communicator& all = job.ranks();
  const int local_rank = launched_by_mpi() ? mpi_local_rank() : 0;
  std::optional<Stream> stream;
  agree(all, Stream(), [&] { stream = stream_for(config, local_rank); });
  if (config.communicator == "nccl") {
    const auto nccl = nccl_over(all, *stream);
    const auto watchdog = watch(all, *nccl, config.hang_timeout);
    body(*nccl, *stream);
  } else if (all.size() == 1) {
    body(*make_self_communicator(stream->device().kind), *stream);
  } else {
    const auto watchdog = watch(all, all, config.hang_timeout);
    body(all, *stream);
  }
}

}  // namespace

Job::Job() {
  if (launched_by_mpi()) {
    session_.emplace();
    ranks_ = make_mpi_communicator();
  } else {
    ranks_ = make_self_communicator();
  }
}

void run_on_ranks(Job& job, const RunConfig& config, const RankBody& body) {
  check_fit(config, job.ranks().size());
  if (config.communicator != "thread") {
    run_on_processes(job, config, body);
    return;
  }
  run_on_threads(static_cast<int>(config.ranks),
                 [&](Communicator& ranks) { body(ranks, stream_for(config, ranks.rank())); });
}

}  // namespace bayesum
