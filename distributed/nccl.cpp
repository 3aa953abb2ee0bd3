#include "distributed/nccl.hpp"

#include <cuda_runtime.h>
#include <nccl.h>

#include <algorithm>
#include <cstring>
#include <exception>

#include "kernels/buffer.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

void check(ncclResult_t result, int rank, const char* call) {
  if (result == ncclSuccess) return;
  throw Error(ExitCode::kDevice, "NCCL rank " + std::to_string(rank) + ", " + call + ": " +
                                     ncclGetErrorString(result));
}

void check(cudaError_t result, int rank, const char* call) {
  if (result == cudaSuccess) return;
  throw Error(ExitCode::kDevice, "NCCL rank " + std::to_string(rank) + ", " + call + ": " +
                                     cudaGetErrorString(result));
}

ncclDataType_t data_type(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
      return ncclFloat32;
    case ElementType::kFloat64:
      return ncclFloat64;
    case ElementType::kUint64:
      return ncclUint64;
    case ElementType::kByte:
      break;
  }
  return ncclUint8;
}

ncclRedOp_t operation(Reduction reduction) {
  switch (reduction) {
    case Reduction::kSum:
      return ncclSum;
    case Reduction::kMin:
      return ncclMin;
    case Reduction::kMax:
      break;
  }
  return ncclMax;
}

bool all_equal(std::span<const std::size_t> counts) {
  return std::all_of(counts.begin(), counts.end(), [&](std::size_t c) { return c == counts[0]; });
}

// Calls between its birth and end() are one operation on the GPU. An exception ends it too, lest
// the thread stay inside the group.
class Group {
 public:
  explicit Group(int rank) : rank_(rank) { check(ncclGroupStart(), rank_, "ncclGroupStart"); }
  ~Group() {
    if (open_) ncclGroupEnd();
  }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  void end() {
    open_ = false;
    check(ncclGroupEnd(), rank_, "ncclGroupEnd");
  }

 private:
  int rank_;
  bool open_ = true;
};

class NcclCommunicator final : public Communicator {
 public:
  NcclCommunicator(Communicator& bootstrap, const Stream& stream)
      : bootstrap_(bootstrap), stream_(stream) {
    if (!stream.on_cuda()) {
      throw Error(ExitCode::kUsage, "NCCL rank " + std::to_string(rank()) +
                                        " needs a stream on a GPU, not on " +
                                        to_string(stream.device()));
    }
    check(cudaSetDevice(stream.device().index), rank(), "cudaSetDevice");
    token_ = Buffer<float>(stream.device(), 1);
    ncclUniqueId id;
    std::memset(&id, 0, sizeof(id));
    if (rank() == 0) check(ncclGetUniqueId(&id), rank(), "ncclGetUniqueId");
    bootstrap.broadcast(Stream(), std::as_writable_bytes(std::span(&id, 1)), 0);
    check(ncclCommInitRank(&communicator_, size(), id, rank()), rank(), "ncclCommInitRank");
  }

  ~NcclCommunicator() override {
    if (std::uncaught_exceptions() > 0 || cudaStreamSynchronize(queue(stream_)) != cudaSuccess) {
      ncclCommAbort(communicator_);
    } else {
      ncclCommDestroy(communicator_);
    }
  }
  NcclCommunicator(const NcclCommunicator&) = delete;
  NcclCommunicator& operator=(const NcclCommunicator&) = delete;

  std::string name() const override { return "nccl"; }
  int rank() const override { return bootstrap_.rank(); }
  int size() const override { return bootstrap_.size(); }
  DeviceKind memory() const override { return DeviceKind::kCuda; }

  [[noreturn]] void abort(int code) override {
    bootstrap_.abort(code);
    std::terminate();  // g++ does not see that a virtual function is noreturn
  }

 protected:
  void do_all_reduce(const Stream& stream, Elements inout, Reduction reduction) override {
    check_stream(stream);
    check(ncclAllReduce(inout.data, inout.data, inout.count, data_type(inout.type),
                        operation(reduction), communicator_, queue(stream)),
          rank(), "ncclAllReduce");
    check_earlier_work();
  }

  // Slices of unequal size are one reduction for each owner, all in one group.
  void do_reduce_scatter(const Stream& stream, Elements in, std::span<const std::size_t> counts,
                         Elements out) override {
    check_stream(stream);
    if (all_equal(counts)) {
      check(ncclReduceScatter(in.data, out.data, out.count, data_type(in.type), ncclSum,
                              communicator_, queue(stream)),
            rank(), "ncclReduceScatter");
    } else {
      for_each_slice(in, counts, [&](const Elements& slice, int owner) {
        void* target = owner == rank() ? out.data : nullptr;
        check(ncclReduce(slice.data, target, slice.count, data_type(in.type), ncclSum, owner,
                         communicator_, queue(stream)),
              rank(), "ncclReduce");
      });
    }
    check_earlier_work();
  }

  // Slices of unequal size are one broadcast from each owner, all in one group.
  void do_all_gather(const Stream& stream, Elements in, std::span<const std::size_t> counts,
                     Elements out) override {
    check_stream(stream);
    if (all_equal(counts)) {
      check(ncclAllGather(in.data, out.data, in.count, data_type(in.type), communicator_,
                          queue(stream)),
            rank(), "ncclAllGather");
    } else {
      for_each_slice(out, counts, [&](const Elements& slice, int owner) {
        const void* source = owner == rank() ? in.data : slice.data;
        check(ncclBroadcast(source, slice.data, slice.count, data_type(in.type), owner,
                            communicator_, queue(stream)),
              rank(), "ncclBroadcast");
      });
    }
    check_earlier_work();
  }

  void do_broadcast(const Stream& stream, Elements inout, int root) override {
    check_stream(stream);
    check(ncclBroadcast(inout.data, inout.data, inout.count, data_type(inout.type), root,
                        communicator_, queue(stream)),
          rank(), "ncclBroadcast");
    check_earlier_work();
  }

  void do_send(const Stream& stream, Elements in, int to) override {
    check_stream(stream);
    check(ncclSend(in.data, in.count, data_type(in.type), to, communicator_, queue(stream)), rank(),
          "ncclSend");
    check_earlier_work();
  }

  void do_receive(const Stream& stream, Elements out, int from) override {
    check_stream(stream);
    check(ncclRecv(out.data, out.count, data_type(out.type), from, communicator_, queue(stream)),
          rank(), "ncclRecv");
    check_earlier_work();
  }

  void do_barrier(const Stream& stream) override {
    do_all_reduce(stream, token_.span(), Reduction::kSum);
    stream.synchronize();
    check_earlier_work();
  }

 private:
  static cudaStream_t queue(const Stream& stream) {
    return static_cast<cudaStream_t>(stream.native());
  }

  void check_stream(const Stream& stream) const {
    if (stream.device() == stream_.device()) return;
    throw Error(ExitCode::kUsage, "NCCL rank " + std::to_string(rank()) + " works on " +
                                      to_string(stream_.device()) + ", the stream given is on " +
                                      to_string(stream.device()));
  }

  void check_earlier_work() const {
    ncclResult_t earlier = ncclSuccess;
    check(ncclCommGetAsyncError(communicator_, &earlier), rank(), "ncclCommGetAsyncError");
    check(earlier, rank(), "earlier work");
  }

  template <class Call>
  void for_each_slice(const Elements& whole, std::span<const std::size_t> counts, Call call) {
    Group group(rank());
    std::size_t first = 0;
    for (std::size_t owner = 0; owner < counts.size(); ++owner) {
      if (counts[owner] > 0) call(whole.part(first, counts[owner]), static_cast<int>(owner));
      first += counts[owner];
    }
    group.end();
  }

  Communicator& bootstrap_;
  Stream stream_;
  ncclComm_t communicator_ = nullptr;
  Buffer<float> token_;  // what a barrier adds up
};

}  // namespace

std::unique_ptr<Communicator> make_nccl_communicator(Communicator& bootstrap,
                                                     const Stream& stream) {
  return std::make_unique<NcclCommunicator>(bootstrap, stream);
}

}  // namespace bayesum
