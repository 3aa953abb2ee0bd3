#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/buffer.hpp"

namespace bayesum {

// The form in which a model writes its evidence.
enum class Chart {
  kNatural,  // natural parameters; conjugate models, whose message does not depend on q
  kCentred,  // the family's centred form at the shared mean, such as [g ; H] for a Gaussian
};

// What shards taught: a vector in the space of natural parameters with its own counts, contiguous,
// so that one sum over ranks carries all of it. A commutative group up to rounding: messages add,
// subtract and scale. With g and H the shard's sums of gradient and Hessian of the negative
// log-likelihood averaged under q, the message of a Gaussian with mean m is (H m - g, -H/2).
class Message {
 public:
  // What follows the payload on the wire.
  enum Scalar : std::size_t {
    kLoss,       // - E_q[log p(shard | theta)], summed
    kRows,       // rows seen
    kNonFinite,  // elements that were NaN or infinite, counted before the sum over ranks
    kStop,       // shards whose rank was asked to stop
    kScalars
  };

  Message(std::size_t payload_size, Device device);

  Device device() const { return wire_.device(); }
  std::span<double> payload() { return wire_.span().first(payload_size_); }
  std::span<const double> payload() const { return wire_.span().first(payload_size_); }
  // On the message's device, for models to add to.
  double* loss() { return wire_.data() + payload_size_ + kLoss; }
  std::span<double> wire() { return wire_.span(); }
  std::span<const double> wire() const { return wire_.span(); }

  void clear(const Stream& stream);
  // Adds to one of the counts.
  void count(const Stream& stream, Scalar scalar, double amount);
  // Counts what is not finite in payload and loss, so that every rank sees it in the sum.
  void count_nonfinite(const Stream& stream);

  void add(const Stream& stream, const Message& other);
  void subtract(const Stream& stream, const Message& other);
  void scale(const Stream& stream, double factor);

 private:
  std::size_t payload_size_;
  Buffer<double> wire_;  // payload, then scalars
};

}  // namespace bayesum
