#pragma once

#include <cstddef>
#include <span>

#include "kernels/buffer.hpp"

namespace bayesum {

// What shards taught about the weights of a network, in the centred form of a diagonal Gaussian at
// the shared mean, in float32: sums over examples and draws,
//
//   gradient   sum of g, the gradient of the negative log-likelihood at the draw
//   second     what the rule makes its curvature of: sum of (theta - m) g for Price's theorem, sums
//              of squares for others; empty where it needs none, or forms it from the sum
//
// and counts, in float64, on the same device: who adds to a message need not wait for it. Adding
// messages adds the evidence.
class WeightMessage {
 public:
  enum Scalar : std::size_t {
    kLoss,      // summed negative log-likelihood of the targets
    kExamples,  // examples (tokens, for a language model) times draws
    kCorrect,   // targets to which the network gave the largest probability
    kStop,      // above 0 where a rank was asked to stop
    kScalars
  };

  WeightMessage() = default;
  WeightMessage(Device device, std::size_t parameters, bool with_second)
      : parameters_(parameters),
        payload_(device, parameters * (with_second ? 2 : 1)),
        counts_(device, kScalars) {}
  // Takes over a payload of that layout, and its counts.
  WeightMessage(Buffer<float> payload, Buffer<double> counts, std::size_t parameters)
      : parameters_(parameters), payload_(std::move(payload)), counts_(std::move(counts)) {}

  std::span<float> gradient() { return payload_.span().first(parameters_); }
  std::span<const float> gradient() const { return payload_.span().first(parameters_); }
  std::span<float> second() { return payload_.span().subspan(parameters_); }
  std::span<const float> second() const { return payload_.span().subspan(parameters_); }
  std::span<float> payload() { return payload_.span(); }
  std::span<const float> payload() const { return payload_.span(); }
  std::span<double, kScalars> counts() { return counts_.span().first<kScalars>(); }
  Buffer<float> release_payload() { return std::move(payload_); }
  Buffer<double> release_counts() { return std::move(counts_); }

 private:
  std::size_t parameters_ = 0;
  Buffer<float> payload_;  // gradient, then second
  Buffer<double> counts_;
};

}  // namespace bayesum
