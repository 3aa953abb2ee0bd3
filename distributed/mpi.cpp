#include "distributed/mpi.hpp"

#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <vector>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

// What is added up goes in pieces that stay in cache on their way through shared memory: at 128 MiB
// MPI_Allreduce is more than twice as fast that way. What is only moved goes in pieces whose count
// fits MPI's int.
constexpr std::size_t kAddedBytes = std::size_t{1} << 20;
constexpr std::size_t kMovedBytes = std::size_t{1} << 24;

// Messages of the user and of the collectives written here never meet.
constexpr int kMessageTag = 0;
constexpr int kCollectiveTag = 1;

void check(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  int rank = -1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw Error(ExitCode::kDevice, "MPI rank " + std::to_string(rank) + ", " + call + ": " +
                                     std::string(text.data(), static_cast<std::size_t>(length)));
}

MPI_Datatype datatype(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
      return MPI_FLOAT;
    case ElementType::kFloat64:
      return MPI_DOUBLE;
    case ElementType::kUint64:
      return MPI_UINT64_T;
    case ElementType::kByte:
      break;
  }
  return MPI_BYTE;
}

MPI_Op operation(Reduction reduction) {
  switch (reduction) {
    case Reduction::kSum:
      return MPI_SUM;
    case Reduction::kMin:
      return MPI_MIN;
    case Reduction::kMax:
      break;
  }
  return MPI_MAX;
}

// The elements from `first` on, `limit` at most, none beyond the end.
Elements piece_at(const Elements& whole, std::size_t first, std::size_t limit) {
  if (first >= whole.count) return whole.part(whole.count, 0);
  return whole.part(first, std::min(limit, whole.count - first));
}

int int_count(const Elements& piece) { return static_cast<int>(piece.count); }

// The slices of `whole`, one for each rank.
std::vector<Elements> slices_of(const Elements& whole, std::span<const std::size_t> counts) {
  std::vector<Elements> slices;
  std::size_t first = 0;
  for (std::size_t count : counts) {
    slices.push_back(whole.part(first, count));
    first += count;
  }
  return slices;
}

void copy_elements(const Elements& from, const Elements& to) {
  if (from.count > 0 && from.data != to.data) std::memcpy(to.data, from.data, from.bytes());
}

class MpiCommunicator final : public Communicator {
 public:
  MpiCommunicator() {
    check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    check(MPI_Comm_dup(MPI_COMM_WORLD, &comm_), "MPI_Comm_dup");
    check(MPI_Comm_rank(comm_, &rank_), "MPI_Comm_rank");
    check(MPI_Comm_size(comm_, &size_), "MPI_Comm_size");
  }
  ~MpiCommunicator() override {
    if (std::uncaught_exceptions() == 0) MPI_Comm_free(&comm_);
  }
  MpiCommunicator(const MpiCommunicator&) = delete;
  MpiCommunicator& operator=(const MpiCommunicator&) = delete;

  std::string name() const override { return "mpi"; }
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  DeviceKind memory() const override { return DeviceKind::kCpu; }

  [[noreturn]] void abort(int code) override {
    std::fflush(nullptr);
    MPI_Abort(MPI_COMM_WORLD, code);
    std::_Exit(code);
  }

 protected:
  void do_all_reduce(const Stream&, Elements inout, Reduction reduction) override {
    const std::size_t limit = kAddedBytes / size_of(inout.type);
    for (std::size_t first = 0; first < inout.count; first += limit) {
      const Elements piece = piece_at(inout, first, limit);
      check(MPI_Allreduce(MPI_IN_PLACE, piece.data, int_count(piece), datatype(piece.type),
                          operation(reduction), comm_),
            "MPI_Allreduce");
    }
  }

  // Each pair of ranks swaps what the other owns, in R-1 rounds; the owner adds. This is two to
  // four times as fast as Open MPI's MPI_Reduce_scatter.
  void do_reduce_scatter(const Stream&, Elements in, std::span<const std::size_t> counts,
                         Elements out) override {
    const std::vector<Elements> slices = slices_of(in, counts);
    const std::size_t longest = *std::max_element(counts.begin(), counts.end());
    const std::size_t limit = kAddedBytes / size_of(in.type);
    const Elements& mine = slice_of(slices, 0);
    for (std::size_t first = 0; first < longest; first += limit) {
      const Elements sum = piece_at(mine, first, limit);
      scratch_.resize(std::max(scratch_.size(), sum.bytes()));
      Elements arriving = sum;
      arriving.data = scratch_.data();
      for (int round = 1; round < size_; ++round) {
        exchange(piece_at(slice_of(slices, round), first, limit), round, arriving, -round);
        check(
            MPI_Reduce_local(arriving.data, sum.data, int_count(sum), datatype(sum.type), MPI_SUM),
            "MPI_Reduce_local");
      }
    }
    copy_elements(mine, out);
  }

  // A ring: each rank passes on to the right what came from the left, in R-1 rounds.
  void do_all_gather(const Stream&, Elements in, std::span<const std::size_t> counts,
                     Elements out) override {
    const std::vector<Elements> slices = slices_of(out, counts);
    const std::size_t longest = *std::max_element(counts.begin(), counts.end());
    const std::size_t limit = kMovedBytes / size_of(in.type);
    copy_elements(in, slice_of(slices, 0));
    for (std::size_t first = 0; first < longest; first += limit) {
      for (int round = 0; round + 1 < size_; ++round) {
        exchange(piece_at(slice_of(slices, -round), first, limit), 1,
                 piece_at(slice_of(slices, -round - 1), first, limit), -1);
      }
    }
  }

  void do_broadcast(const Stream&, Elements inout, int root) override {
    const std::size_t limit = kMovedBytes / size_of(inout.type);
    for (std::size_t first = 0; first < inout.count; first += limit) {
      const Elements piece = piece_at(inout, first, limit);
      check(MPI_Bcast(piece.data, int_count(piece), datatype(piece.type), root, comm_),
            "MPI_Bcast");
    }
  }

  void do_send(const Stream&, Elements in, int to) override {
    const std::size_t limit = kMovedBytes / size_of(in.type);
    for (std::size_t first = 0; first < in.count; first += limit) {
      const Elements piece = piece_at(in, first, limit);
      check(MPI_Send(piece.data, int_count(piece), datatype(piece.type), to, kMessageTag, comm_),
            "MPI_Send");
    }
  }

  void do_receive(const Stream&, Elements out, int from) override {
    const std::size_t limit = kMovedBytes / size_of(out.type);
    for (std::size_t first = 0; first < out.count; first += limit) {
      receive_piece(piece_at(out, first, limit), from);
    }
  }

  void do_barrier(const Stream&) override { check(MPI_Barrier(comm_), "MPI_Barrier"); }

 private:
  int neighbour(int distance) const { return (rank_ + size_ + distance) % size_; }
  const Elements& slice_of(const std::vector<Elements>& slices, int distance) const {
    return slices[static_cast<std::size_t>(neighbour(distance))];
  }

  void exchange(const Elements& leaving, int to, const Elements& arriving, int from) {
    check(MPI_Sendrecv(leaving.data, int_count(leaving), datatype(leaving.type), neighbour(to),
                       kCollectiveTag, arriving.data, int_count(arriving), datatype(arriving.type),
                       neighbour(from), kCollectiveTag, comm_, MPI_STATUS_IGNORE),
          "MPI_Sendrecv");
  }

  void receive_piece(const Elements& piece, int from) {
    MPI_Status status;
    check(MPI_Recv(piece.data, int_count(piece), datatype(piece.type), from, kMessageTag, comm_,
                   &status),
          "MPI_Recv");
    int count = 0;
    check(MPI_Get_count(&status, datatype(piece.type), &count), "MPI_Get_count");
    if (count == int_count(piece)) return;
    throw Error(ExitCode::kDisagreement, "rank " + std::to_string(from) + " sent " +
                                             std::to_string(count) + " " + to_string(piece.type) +
                                             " elements to rank " + std::to_string(rank_) +
                                             ", which waited for " + std::to_string(piece.count));
  }

  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0;
  int size_ = 1;
  std::vector<std::byte> scratch_;
};

class MpiHeartbeat final : public Heartbeat {
 public:
  MpiHeartbeat() {
    check(MPI_Comm_dup(MPI_COMM_WORLD, &comm_), "MPI_Comm_dup");
    check(MPI_Comm_rank(comm_, &rank_), "MPI_Comm_rank");
    check(MPI_Comm_size(comm_, &size_), "MPI_Comm_size");
    leaving_.resize(static_cast<std::size_t>(size_));
  }
  ~MpiHeartbeat() override {
    if (std::uncaught_exceptions() > 0) return;
    for (Leaving& leaving : leaving_) MPI_Wait(&leaving.request, MPI_STATUS_IGNORE);
    MPI_Comm_free(&comm_);
  }
  MpiHeartbeat(const MpiHeartbeat&) = delete;
  MpiHeartbeat& operator=(const MpiHeartbeat&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  bool send(const Pulse& pulse, int to) override {
    Leaving& leaving = leaving_[static_cast<std::size_t>(to)];
    int sent = 0;
    if (MPI_Test(&leaving.request, &sent, MPI_STATUS_IGNORE) != MPI_SUCCESS || sent == 0) {
      return false;
    }
    leaving.pulse = pulse;
    return MPI_Isend(&leaving.pulse, sizeof(Pulse), MPI_BYTE, to, kMessageTag, comm_,
                     &leaving.request) == MPI_SUCCESS;
  }

  std::optional<Beat> receive() override {
    int arrived = 0;
    MPI_Status status;
    if (MPI_Iprobe(MPI_ANY_SOURCE, kMessageTag, comm_, &arrived, &status) != MPI_SUCCESS ||
        arrived == 0) {
      return std::nullopt;
    }
    Beat beat{status.MPI_SOURCE, {}};
    MPI_Recv(&beat.pulse, sizeof(Pulse), MPI_BYTE, beat.from, kMessageTag, comm_,
             MPI_STATUS_IGNORE);
    return beat;
  }

  [[noreturn]] void abort(int code) override {
    MPI_Abort(MPI_COMM_WORLD, code);
    std::_Exit(code);
  }

 private:
  struct Leaving {
    Pulse pulse;
    MPI_Request request = MPI_REQUEST_NULL;
  };

  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0;
  int size_ = 1;
  std::vector<Leaving> leaving_;  // one to each rank
};

}  // namespace

MpiSession::MpiSession() : exceptions_at_start_(std::uncaught_exceptions()) {
  int provided = MPI_THREAD_SINGLE;
  check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &provided), "MPI_Init_thread");
  if (provided < MPI_THREAD_SERIALIZED) {
    throw Error(ExitCode::kDevice,
                "the MPI library gives no thread support: it must allow "
                "MPI_THREAD_SERIALIZED");
  }
}

MpiSession::~MpiSession() {
  if (std::uncaught_exceptions() == exceptions_at_start_) MPI_Finalize();
}

bool launched_by_mpi() {
  constexpr std::array kVariables = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"};
  return std::any_of(kVariables.begin(), kVariables.end(),
                     [](const char* name) { return std::getenv(name) != nullptr; });
}

std::unique_ptr<Communicator> make_mpi_communicator() {
  return std::make_unique<MpiCommunicator>();
}

std::unique_ptr<Heartbeat> make_mpi_heartbeat() {
  int provided = MPI_THREAD_SINGLE;
  check(MPI_Query_thread(&provided), "MPI_Query_thread");
  if (provided < MPI_THREAD_MULTIPLE) return nullptr;
  return std::make_unique<MpiHeartbeat>();
}

int mpi_local_rank() {
  MPI_Comm host = MPI_COMM_NULL;
  check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host),
        "MPI_Comm_split_type");
  int rank = 0;
  check(MPI_Comm_rank(host, &rank), "MPI_Comm_rank");
  check(MPI_Comm_free(&host), "MPI_Comm_free");
  return rank;
}

std::string mpi_library_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  check(MPI_Get_library_version(text.data(), &length), "MPI_Get_library_version");
  const std::string version(text.data(), static_cast<std::size_t>(length));
  return version.substr(0, version.find('\n'));
}

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

}  // namespace bayesum
