#include "launch/job.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "core/agree.hpp"
#include "core/files/hash.hpp"
#include "core/staging.hpp"
#include "core/watchdog.hpp"
#include "distributed/nccl.hpp"
#include "distributed/self.hpp"
#include "distributed/thread.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"

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
                                    hosts_of(Stream(), all), say_at_once);
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

// Where OMP_NUM_THREADS does not say how many threads compute, ranks on the same cores share them.
void share_cores(Communicator& ranks) {
  if (std::getenv("OMP_NUM_THREADS") != nullptr) return;
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof(cores), &cores) != 0) return;
  std::string where = host_name();
  where.append(reinterpret_cast<const char*>(&cores), sizeof(cores));
  const std::size_t sharing = ranks_that_say(where, Stream(), ranks);
  cpu::set_thread_count(std::max(1, CPU_COUNT(&cores) / static_cast<int>(sharing)));
}

}  // namespace

std::vector<std::string> hosts_of(const Stream& stream, Communicator& ranks) {
  constexpr std::size_t kBytes = 64;
  std::vector<std::byte> mine(kBytes);
  const std::string name = host_name().substr(0, kBytes - 1);
  std::ranges::copy(std::as_bytes(std::span(name)), mine.begin());
  const std::vector<std::byte> names = gather<std::byte>(stream, ranks, mine);
  std::vector<std::string> hosts;
  for (std::size_t first = 0; first < names.size(); first += kBytes) {
    hosts.emplace_back(reinterpret_cast<const char*>(&names[first]));
  }
  return hosts;
}

std::size_t ranks_that_say(const std::string& text, const Stream& stream, Communicator& ranks) {
  const std::uint64_t mine = hash_of(std::as_bytes(std::span(text)));
  const std::vector<std::uint64_t> said = gather<std::uint64_t>(stream, ranks, std::span(&mine, 1));
  return static_cast<std::size_t>(std::ranges::count(said, mine));
}

Job::Job() {
  if (launched_by_mpi()) {
    session_.emplace();
    ranks_ = make_mpi_communicator();
  } else {
    ranks_ = make_self_communicator();
  }
  share_cores(*ranks_);
}

void run_on_ranks(Job& job, const RunConfig& config, const RankBody& body) {
  check_fit(config, job.ranks().size());
  if (config.communicator != "thread") {
    run_on_processes(job, config, body);
    return;
  }
  run_on_threads(static_cast<int>(config.ranks), [&](Communicator& ranks) {
    share_cores(ranks);
    body(ranks, stream_for(config, ranks.rank()));
  });
}

}  // namespace bayesum
