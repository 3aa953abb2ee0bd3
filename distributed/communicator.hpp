#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "distributed/activity.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// Elements that cross the wire: a typed view of contiguous memory.
enum class ElementType { kFloat32, kFloat64, kUint64, kByte };
std::size_t size_of(ElementType type);

struct Elements {
  void* data = nullptr;
  std::size_t count = 0;
  ElementType type = ElementType::kByte;

  Elements(std::span<float> x) : data(x.data()), count(x.size()), type(ElementType::kFloat32) {}
  Elements(std::span<double> x) : data(x.data()), count(x.size()), type(ElementType::kFloat64) {}
  Elements(std::span<std::uint64_t> x)
      : data(x.data()), count(x.size()), type(ElementType::kUint64) {}
  Elements(std::span<std::byte> x) : data(x.data()), count(x.size()), type(ElementType::kByte) {}

  std::size_t bytes() const { return count * size_of(type); }
  Elements part(std::size_t first, std::size_t size) const;  // [first, first + size)
};

enum class Reduction { kSum, kMin, kMax };

std::string to_string(ElementType type);     // "float64"
std::string to_string(Reduction reduction);  // "sum"

// What a communicator has moved so far, as this rank saw it: calls, and the sum over them of the n
// bytes that the table below speaks of.
struct Traffic {
  std::uint64_t calls = 0;
  std::uint64_t bytes = 0;
};

// The seam between the algorithm and the wire: ranks, sums of buffers, who owns which slice. Every
// rank calls every collective, in the same order, with the same counts and types. Payloads live on
// `memory()`, and collectives take their place in the order of `stream`; on the host they have
// finished when the call returns. Any count may be zero. Bytes can be moved but not reduced.
//
// A call whose arguments do not fit is Error(kUsage), a failure of the wire Error(kDevice); ranks
// seen to disagree on what is called are Error(kDisagreement). Each names the rank.
//
// Cost per rank for n bytes and R ranks, n the whole vector: `inout`, the `in` of reduce_scatter,
// the `out` of all_gather:
//   all_reduce                   2n(R-1)/R
//   reduce_scatter, all_gather   n(R-1)/R
//   broadcast, send, receive     n
class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual std::string name() const = 0;  // "self", "thread", "mpi", "nccl"
  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual DeviceKind memory() const = 0;  // where payloads must live

  // Public operations count the traffic, then do the work as a call of the rank's activity.
  void all_reduce(const Stream& stream, Elements inout, Reduction reduction = Reduction::kSum);
  // Sums `in` over ranks; rank r receives counts[r] elements, the r-th slice, in `out`, which may
  // be that very slice of `in`. The bytes of `in` are unspecified afterwards.
  void reduce_scatter(const Stream& stream, Elements in, std::span<const std::size_t> counts,
                      Elements out);
  // Concatenates the slices of all ranks, rank r giving counts[r] elements, into `out` everywhere.
  // `in` may be this rank's own slice of `out`.
  void all_gather(const Stream& stream, Elements in, std::span<const std::size_t> counts,
                  Elements out);
  void broadcast(const Stream& stream, Elements inout, int root);
  void send(const Stream& stream, Elements in, int to);
  void receive(const Stream& stream, Elements out, int from);
  void barrier(const Stream& stream);

  // Takes all ranks down with this exit code. Called once the sentence is out; does not return
  // (where ranks are threads, it leaves by an exception).
  [[noreturn]] virtual void abort(int code) = 0;

  const Traffic& traffic() const { return traffic_; }

  // What this rank does, for a watchdog. Calls are entered by themselves, phases by who works.
  Activity& activity() { return activity_; }

 protected:
  virtual void do_all_reduce(const Stream& stream, Elements inout, Reduction reduction) = 0;
  virtual void do_reduce_scatter(const Stream& stream, Elements in,
                                 std::span<const std::size_t> counts, Elements out) = 0;
  virtual void do_all_gather(const Stream& stream, Elements in, std::span<const std::size_t> counts,
                             Elements out) = 0;
  virtual void do_broadcast(const Stream& stream, Elements inout, int root) = 0;
  virtual void do_send(const Stream& stream, Elements in, int to) = 0;
  virtual void do_receive(const Stream& stream, Elements out, int from) = 0;
  virtual void do_barrier(const Stream& stream) = 0;

 private:
  [[nodiscard]] Activity::Call begin(std::size_t bytes);
  void check_payload(const char* call, const Elements& elements) const;
  void check_slices(const char* call, const Elements& whole, std::span<const std::size_t> counts,
                    const Elements& slice) const;
  void check_peer(const char* call, int peer) const;
  [[noreturn]] void refuse(const char* call, const std::string& why) const;

  Traffic traffic_;
  Activity activity_;
};

}  // namespace bayesum
