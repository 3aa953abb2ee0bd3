#include "kernels/network/activation.hpp"

#include "kernels/cuda_launch.cuh"
#include "kernels/network/elements.hpp"
#include "kernels/network/twins.hpp"

namespace bayesum::cuda {
namespace {

template <class T>
void forward(const Stream& stream, Activation f, std::span<const T> x, std::span<T> y) {
  with_function(f, [&](auto function) {
    for_each(stream, y.size(), ActivateElement<decltype(function), T>{x.data(), y.data()});
  });
}

template <class T>
void backward(const Stream& stream, Activation f, std::span<const T> x, std::span<const T> dy,
              std::span<T> dx) {
  with_function(f, [&](auto function) {
    for_each(stream, dx.size(),
             ActivateElementBackward<decltype(function), T>{x.data(), dy.data(), dx.data()});
  });
}

}  // namespace

void activate(const Stream& stream, Activation f, std::span<const float> x, std::span<float> y) {
  forward(stream, f, x, y);
}

void activate(const Stream& stream, Activation f, std::span<const BFloat16> x,
              std::span<BFloat16> y) {
  forward(stream, f, x, y);
}

void activate_backward(const Stream& stream, Activation f, std::span<const float> x,
                       std::span<const float> dy, std::span<float> dx) {
  backward(stream, f, x, dy, dx);
}

void activate_backward(const Stream& stream, Activation f, std::span<const BFloat16> x,
                       std::span<const BFloat16> dy, std::span<BFloat16> dx) {
  backward(stream, f, x, dy, dx);
}

}  // namespace bayesum::cuda
