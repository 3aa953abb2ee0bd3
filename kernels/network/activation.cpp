#include "kernels/network/activation.hpp"

#include "kernels/network/check.hpp"
#include "kernels/network/elements.hpp"
#include "kernels/network/simd.hpp"
#include "kernels/network/twins.hpp"

namespace bayesum {

namespace cpu {
namespace {

template <class T>
void forward(Activation f, std::span<const T> x, std::span<T> y) {
  with_function(f, [&](auto function) {
    for_each_element(y.size(), ActivateElement<decltype(function), T>{x.data(), y.data()});
  });
}

template <class T>
void backward(Activation f, std::span<const T> x, std::span<const T> dy, std::span<T> dx) {
  with_function(f, [&](auto function) {
    for_each_element(
        dx.size(), ActivateElementBackward<decltype(function), T>{x.data(), dy.data(), dx.data()});
  });
}

}  // namespace

void activate(const Stream&, Activation f, std::span<const float> x, std::span<float> y) {
  forward(f, x, y);
}
void activate(const Stream&, Activation f, std::span<const BFloat16> x, std::span<BFloat16> y) {
  forward(f, x, y);
}
void activate_backward(const Stream&, Activation f, std::span<const float> x,
                       std::span<const float> dy, std::span<float> dx) {
  backward(f, x, dy, dx);
}
void activate_backward(const Stream&, Activation f, std::span<const BFloat16> x,
                       std::span<const BFloat16> dy, std::span<BFloat16> dx) {
  backward(f, x, dy, dx);
}

}  // namespace cpu

namespace {

template <class T>
void check_and_activate(const Stream& stream, Activation f, std::span<const T> x, std::span<T> y) {
  check_size("the input of an activation", x.size(), y.size());
  BAYESUM_DISPATCH(stream, activate(stream, f, x, y));
}

template <class T>
void check_and_go_back(const Stream& stream, Activation f, std::span<const T> x,
                       std::span<const T> dy, std::span<T> dx) {
  check_size("the input of an activation", x.size(), dx.size());
  check_size("the gradient of an activation", dy.size(), dx.size());
  BAYESUM_DISPATCH(stream, activate_backward(stream, f, x, dy, dx));
}

}  // namespace

void activate(const Stream& stream, Activation f, std::span<const float> x, std::span<float> y) {
  check_and_activate(stream, f, x, y);
}

void activate(const Stream& stream, Activation f, std::span<const BFloat16> x,
              std::span<BFloat16> y) {
  check_and_activate(stream, f, x, y);
}

void activate_backward(const Stream& stream, Activation f, std::span<const float> x,
                       std::span<const float> dy, std::span<float> dx) {
  check_and_go_back(stream, f, x, dy, dx);
}

void activate_backward(const Stream& stream, Activation f, std::span<const BFloat16> x,
                       std::span<const BFloat16> dy, std::span<BFloat16> dx) {
  check_and_go_back(stream, f, x, dy, dx);
}

}  // namespace bayesum
