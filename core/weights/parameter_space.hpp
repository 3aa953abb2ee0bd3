#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "distributed/virtual_shards.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// One tensor of a network: a view into the flat vector of all its parameters.
struct ParameterTensor {
  std::string name;                // as in the network's usual files: "h.0.attn.c_attn.weight"
  std::vector<std::size_t> shape;  // row-major
  double initial_mean = 0;         // where its mean starts: draws of N(initial_mean, initial_sd^2)
  double initial_sd = 0;
  std::size_t first = 0;  // where it lies

  std::size_t size() const;
  Range range() const { return {first, first + size()}; }
};

// The parameters of a network, theta: one flat vector of float32 in which tensors lie in the order
// of the forward pass, each at a multiple of 16 elements (64 bytes). The index of an element in it
// is the index of its noise, on any rank. What lies between tensors is zero and stays so.
class ParameterSpace {
 public:
  static constexpr std::size_t kAlignment = 16;

  // Returns where it lies. Error(kUsage) for an empty tensor or a name that is there already.
  std::size_t add(ParameterTensor tensor);

  const std::vector<ParameterTensor>& tensors() const { return tensors_; }
  const ParameterTensor& tensor(const std::string& name) const;  // Error(kUsage): none
  bool has(const std::string& name) const;
  std::size_t size() const { return size_; }  // of the flat vector
  std::size_t count() const;                  // parameters, without what lies between tensors

  // The flat vector cut into ranges of about `elements`, in the order in which the backward pass
  // finishes their gradients: from the last to the first. Cuts are multiples of kAlignment.
  std::vector<Range> buckets(std::size_t elements) const;

 private:
  std::vector<ParameterTensor> tensors_;
  std::size_t size_ = 0;
};

// What tensors of one kind share: "h.3.attn.c_attn.weight" is of the group "h.N.attn.c_attn".
std::string tensor_group(const std::string& tensor);

// Writes where training starts, each tensor drawn as it says, a pure function of the seed.
void initialise(const Stream& stream, const ParameterSpace& parameters, std::uint64_t seed,
                std::span<float> theta);

}  // namespace bayesum
