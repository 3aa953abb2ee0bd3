#pragma once

#include <span>

#include "kernels/bfloat16.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// gelu(x) = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), the form of GPT-2 ("gelu_new");
// relu(x) = max(x, 0), with slope 0 at 0; tanh(x).
enum class Activation { kGelu, kRelu, kTanh };

// y = f(x), element by element; y may be x.
void activate(const Stream& stream, Activation f, std::span<const float> x, std::span<float> y);
void activate(const Stream& stream, Activation f, std::span<const BFloat16> x,
              std::span<BFloat16> y);

// dx = dy f'(x), of the x that went in; dx may be dy or x.
void activate_backward(const Stream& stream, Activation f, std::span<const float> x,
                       std::span<const float> dy, std::span<float> dx);
void activate_backward(const Stream& stream, Activation f, std::span<const BFloat16> x,
                       std::span<const BFloat16> dy, std::span<BFloat16> dx);

}  // namespace bayesum
