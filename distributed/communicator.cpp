#include "distributed/communicator.hpp"

#include "kernels/error.hpp"

namespace bayesum {

std::size_t size_of(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
      return sizeof(float);
    case ElementType::kFloat64:
      return sizeof(double);
    case ElementType::kUint64:
      return sizeof(std::uint64_t);
    case ElementType::kByte:
      break;
  }
  return 1;
}

std::string to_string(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
      return "float32";
    case ElementType::kFloat64:
      return "float64";
    case ElementType::kUint64:
      return "uint64";
    case ElementType::kByte:
      break;
  }
  return "byte";
}

std::string to_string(Reduction reduction) {
  switch (reduction) {
    case Reduction::kSum:
      return "sum";
    case Reduction::kMin:
      return "min";
    case Reduction::kMax:
      break;
  }
  return "max";
}

Elements Elements::part(std::size_t first, std::size_t size) const {
  Elements piece = *this;
  piece.data = static_cast<std::byte*>(data) + first * size_of(type);
  piece.count = size;
  return piece;
}

void Communicator::all_reduce(const Stream& stream, Elements inout, Reduction reduction) {
  check_payload("all_reduce", inout);
  if (inout.type == ElementType::kByte) refuse("all_reduce", "bytes cannot be reduced");
  const Activity::Call call = begin(inout.bytes());
  do_all_reduce(stream, inout, reduction);
}

void Communicator::reduce_scatter(const Stream& stream, Elements in,
                                  std::span<const std::size_t> counts, Elements out) {
  check_slices("reduce_scatter", in, counts, out);
  if (in.type == ElementType::kByte) refuse("reduce_scatter", "bytes cannot be reduced");
  const Activity::Call call = begin(in.bytes());
  do_reduce_scatter(stream, in, counts, out);
}

void Communicator::all_gather(const Stream& stream, Elements in,
                              std::span<const std::size_t> counts, Elements out) {
  check_slices("all_gather", out, counts, in);
  const Activity::Call call = begin(out.bytes());
  do_all_gather(stream, in, counts, out);
}

void Communicator::broadcast(const Stream& stream, Elements inout, int root) {
  check_payload("broadcast", inout);
  if (root < 0 || root >= size()) refuse("broadcast", "there is no root " + std::to_string(root));
  const Activity::Call call = begin(inout.bytes());
  do_broadcast(stream, inout, root);
}

void Communicator::send(const Stream& stream, Elements in, int to) {
  check_payload("send", in);
  check_peer("send", to);
  const Activity::Call call = begin(in.bytes());
  do_send(stream, in, to);
}

void Communicator::receive(const Stream& stream, Elements out, int from) {
  check_payload("receive", out);
  check_peer("receive", from);
  const Activity::Call call = begin(out.bytes());
  do_receive(stream, out, from);
}

void Communicator::barrier(const Stream& stream) {
  const Activity::Call call = begin(0);
  do_barrier(stream);
}

Activity::Call Communicator::begin(std::size_t bytes) {
  ++traffic_.calls;
  traffic_.bytes += bytes;
  return Activity::Call(activity_);
}

void Communicator::check_payload(const char* call, const Elements& elements) const {
  if (elements.data == nullptr && elements.count > 0) {
    refuse(call, std::to_string(elements.count) + " elements were promised at a null address");
  }
}

void Communicator::check_slices(const char* call, const Elements& whole,
                                std::span<const std::size_t> counts, const Elements& slice) const {
  check_payload(call, whole);
  check_payload(call, slice);
  if (whole.type != slice.type) {
    refuse(call, "the whole is " + to_string(whole.type) + ", the slice " + to_string(slice.type));
  }
  if (counts.size() != static_cast<std::size_t>(size())) {
    refuse(call, std::to_string(counts.size()) + " counts were given, one for each rank is due");
  }
  std::size_t sum = 0;
  for (std::size_t c : counts) sum += c;
  if (sum != whole.count) {
    refuse(call, "the counts sum to " + std::to_string(sum) + ", the whole has " +
                     std::to_string(whole.count) + " elements");
  }
  const std::size_t own = counts[static_cast<std::size_t>(rank())];
  if (own != slice.count) {
    refuse(call, "its count is " + std::to_string(own) + ", its slice has " +
                     std::to_string(slice.count) + " elements");
  }
}

void Communicator::check_peer(const char* call, int peer) const {
  if (peer < 0 || peer >= size() || peer == rank()) {
    refuse(call, "rank " + std::to_string(peer) + " is no other rank");
  }
}

void Communicator::refuse(const char* call, const std::string& why) const {
  throw Error(ExitCode::kUsage, name() + " communicator, rank " + std::to_string(rank()) + " of " +
                                    std::to_string(size()) + ", " + call + ": " + why);
}

}  // namespace bayesum
