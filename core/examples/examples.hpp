#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/examples/example_order.hpp"

namespace bayesum {

// A target that does not count: there is no token to be predicted.
inline constexpr std::int32_t kNoTarget = -1;

// What one example is: a window of T tokens with the token that follows each of them, or d features
// with a label or k responses. What there is none of is 0.
struct ExampleShape {
  std::size_t context = 0;     // T
  std::size_t vocabulary = 0;  // tokens are 0 .. vocabulary - 1
  std::size_t features = 0;    // d
  std::size_t classes = 0;     // labels are 0 .. classes - 1
  std::size_t responses = 0;   // k

  bool is_tokens() const { return context > 0; }
};

// The caller's memory for B examples, one after the other. Those that the shape has none of stay
// empty.
struct ExampleBuffers {
  std::span<std::int32_t> tokens = {};   // B x T
  std::span<std::int32_t> targets = {};  // B x T
  std::span<float> features = {};        // B x d
  std::span<std::int32_t> labels = {};   // B, where there are classes
  std::span<float> response = {};        // B x k
};

// What a network learns from or is scored on: N examples in memory or in a file, read at any place.
// Everything is const and a pure function of its arguments, so that any rank and any thread may ask
// for any example at any time.
class Examples {
 public:
  virtual ~Examples() = default;

  virtual const ExampleShape& shape() const = 0;
  // N, the examples of an epoch of training; at least 1.
  virtual std::uint64_t size() const = 0;
  // Writes the examples of a training, one for each id, in order. Error(kFile) naming file and
  // position for what cannot be read; Error(kUsage) when a buffer has another size.
  virtual void fetch(std::span<const ExampleId> ids, const ExampleBuffers& out) const = 0;

  // All that there is once and in the order of the file, for scores: examples 0 ..
  // size_in_order()-1, of which these are `rows` from `first` on.
  virtual std::uint64_t size_in_order() const = 0;
  virtual void fetch_in_order(std::uint64_t first, std::size_t rows,
                              const ExampleBuffers& out) const = 0;

  // Tells one set of examples from another, for a training that goes on; see each class for what it
  // covers.
  virtual std::uint64_t fingerprint() const = 0;
};

// Error(kUsage) unless the buffers hold `rows` examples of this shape.
void check_buffers(const ExampleShape& shape, std::size_t rows, const ExampleBuffers& out);

}  // namespace bayesum
