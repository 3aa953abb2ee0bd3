#include <algorithm>
#include <array>
#include <chrono>
#include <iostream>
#include <thread>

#include "core/staging.hpp"
#include "distributed/mpi.hpp"
#include "kernels/buffer.hpp"
#include "kernels/parallel.hpp"
#include "launch/commands.hpp"
#include "launch/machine.hpp"
#include "launch/table.hpp"

namespace bayesum {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::array<std::size_t, 5> kElements = {1 << 7, 1 << 13, 1 << 17, 1 << 20, 1 << 23};
constexpr double kSecondsPerSize = 2.0 / kElements.size();

std::string joined(const std::vector<std::string>& parts, const std::string& otherwise) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text.empty() ? otherwise : text;
}

std::string describe_cuda() {
  if (!built_with_cuda()) return "not in this build";
  const std::string driver = nvidia_driver_version();
  return "in this build; driver: " + (driver.empty() ? "none" : driver);
}

#ifdef BAYESUM_WITH_NCCL
constexpr bool kWithNccl = true;
#else
constexpr bool kWithNccl = false;
#endif

#ifdef BAYESUM_WITH_CUDNN
constexpr bool kWithCudnn = true;
#else
constexpr bool kWithCudnn = false;
#endif

std::string describe_library(bool in_this_build, const std::string& name) {
  if (!in_this_build) return "not in this build";
  return joined(loaded_libraries(name), "in this build");
}

std::string describe_machine() {
  Table table({"host", host_name()});
  table.add({"processor", processor_name()});
  table.add({"cores", std::to_string(std::thread::hardware_concurrency()) + ", " +
                          counted(static_cast<std::size_t>(cpu::thread_count()), "thread") +
                          " on each rank"});
  table.add({"memory", bytes_text(memory_bytes()) + ", " + bytes_text(available_memory_bytes()) +
                           " available"});
  table.add({"BLAS", joined(loaded_libraries("blas"), "linked into the program")});
  table.add({"MPI", mpi_library_version()});
  table.add({"CUDA", describe_cuda()});
  for (int i = 0; i < cuda_device_count(); ++i) {
    table.add({"GPU " + std::to_string(i), cuda_device_description(i)});
  }
  table.add({"NCCL", describe_library(kWithNccl, "libnccl")});
  table.add({"cuDNN", describe_library(kWithCudnn, "libcudnn")});
  return table.text(Table::kLeft);
}

// The host of every rank, "node1: ranks 0-3".
std::string describe_ranks(Communicator& ranks, const Stream& stream) {
  const std::vector<std::string> hosts = hosts_of(stream, ranks);
  std::string text;
  for (std::size_t first = 0, last = 0; first < hosts.size(); first = last) {
    while (last < hosts.size() && hosts[last] == hosts[first]) ++last;
    text +=
        "  " + hosts[first] + ": " +
        (last - first == 1 ? "rank " + std::to_string(first)
                           : "ranks " + std::to_string(first) + " to " + std::to_string(last - 1)) +
        "\n";
  }
  return text;
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Seconds of one all-reduce of these elements, the slowest rank's, from about kSecondsPerSize of
// them.
double time_all_reduce(Communicator& ranks, const Stream& wire, std::span<double> elements) {
  const auto run = [&](int times) {
    ranks.barrier(wire);
    const auto start = Clock::now();
    for (int i = 0; i < times; ++i) ranks.all_reduce(wire, elements);
    wire.synchronize();
    double seconds = seconds_since(start);
    on_wire(wire, ranks, std::span(&seconds, 1), [&](const Stream& queue, auto payload) {
      ranks.all_reduce(queue, payload, Reduction::kMax);
    });
    return seconds / times;
  };
  run(1);
  const double estimate = run(2);
  return run(std::clamp(static_cast<int>(kSecondsPerSize / estimate), 1, 10000));
}

// With R ranks and n bytes in t seconds the bus bandwidth is 2 (R-1)/R n / t: what each rank's link
// must carry whatever the number of ranks (nccl-tests, doc/PERFORMANCE.md).
std::string measure(Communicator& ranks, const Stream& stream) {
  const Stream wire = wire_stream(stream, ranks);
  const double r = ranks.size();
  Table table({"all-reduce", "time", "bus bandwidth"});
  for (const std::size_t count : kElements) {
    Buffer<double> elements(wire.device(), count);
    const double seconds = time_all_reduce(ranks, wire, elements.span());
    const auto bytes = static_cast<double>(count * sizeof(double));
    table.add({bytes_text(bytes), seconds_text(seconds),
               bytes_text(2 * (r - 1) / r * bytes / seconds) + "/s"});
  }
  return table.text();
}

}  // namespace

ExitCode doctor(const DoctorOptions& options, Job& job) {
  const RunConfig config = run_config(options.overrides);
  if (job.ranks().rank() == 0) std::cout << describe_machine() << std::endl;
  run_on_ranks(job, config, [](Communicator& ranks, const Stream& stream) {
    const std::string hosts = describe_ranks(ranks, stream);
    const std::string speed = ranks.size() > 1 ? measure(ranks, stream) : "";
    if (ranks.rank() != 0) return;
    std::cout << counted(static_cast<std::size_t>(ranks.size()), "rank") << " (" << ranks.name()
              << ", " << to_string(stream.device()) << ")\n"
              << hosts << "\n"
              << (speed.empty() ? "1 rank has nothing to reduce: mpirun -np 2 bayesum doctor "
                                  "measures the wire\n"
                                : speed)
              << std::flush;
  });
  return ExitCode::kDone;
}

}  // namespace bayesum
