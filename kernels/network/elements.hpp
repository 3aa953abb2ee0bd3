#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/bfloat16.hpp"
#include "kernels/host_device.hpp"
#include "kernels/network/activation.hpp"
#include "kernels/network/dropout.hpp"
#include "kernels/network/math.hpp"

// The operations that take one element at a time, as functors for both twins.
namespace bayesum {

template <class Function, class T>
struct ActivateElement {
  const T* x;
  T* y;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const { store(y[i], Function::value(x[i])); }
};

template <class Function, class T>
struct ActivateElementBackward {
  const T* x;
  const T* dy;
  T* dx;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const {
    store(dx[i], static_cast<float>(dy[i]) * Function::slope(x[i]));
  }
};

// body(Gelu{}), body(Relu{}) or body(Tanh{})
template <class Body>
void with_function(Activation f, const Body& body) {
  switch (f) {
    case Activation::kGelu:
      return body(Gelu{});
    case Activation::kRelu:
      return body(Relu{});
    case Activation::kTanh:
      return body(Tanh{});
  }
}

template <class From, class To>
struct ConvertElement {
  const From* from;
  To* to;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const { store(to[i], from[i]); }
};

struct RoundElement {
  const float* from;
  BFloat16* to;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i, std::uint32_t random) const {
    to[i].set_bits(round_stochastically(from[i], random).bits());
  }
};

template <class T>
struct DropElement {
  std::uint32_t kept;
  float scale;
  const T* x;
  T* y;

  explicit DropElement(const Dropout<T>& op)
      : kept(dropout_threshold(op.rate)),
        scale(65536.0f / static_cast<float>(kept)),
        x(op.x.data()),
        y(op.out.data()) {}

  BAYESUM_HOST_DEVICE void operator()(std::size_t i, std::uint32_t random) const {
    const float value = scale * static_cast<float>(x[i]);
    store(y[i], random < kept ? value : 0.0f);
  }
};

}  // namespace bayesum
