#pragma once

#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

#include "core/weights/network.hpp"
#include "core/weights/parameter_space.hpp"
#include "kernels/bfloat16.hpp"
#include "kernels/buffer.hpp"
#include "kernels/matrix.hpp"
#include "kernels/network/floats.hpp"
#include "models/network/gpt2_parameters.hpp"

namespace bayesum {

// Where the tensors of gpt2_parameters(shape) lie.
struct Gpt2Places {
  struct Vector {
    std::size_t first = 0;
    std::size_t size = 0;  // 0: there is none
  };
  struct Matrix {
    std::size_t first = 0;
    std::size_t rows = 0;
    std::size_t cols = 0;
  };
  struct Linear {
    Matrix weight;
    Vector bias;
  };
  struct Norm {
    Vector gain, bias;
  };
  struct Block {
    Norm norm_1;
    Linear attention_in, attention_out;
    Norm norm_2;
    Linear mlp_in, mlp_out;
  };

  Gpt2Places(const Gpt2Shape& shape, const ParameterSpace& space);

  Matrix tokens, positions;
  std::vector<Block> blocks;
  Norm last;
};

template <class Float>
std::span<Float> at(std::span<Float> parameters, const Gpt2Places::Vector& place) {
  return parameters.subspan(place.first, place.size);
}

template <class Float>
MatrixView<Float> at(std::span<Float> parameters, const Gpt2Places::Matrix& place) {
  return {parameters.data() + place.first, place.rows, place.cols};
}

// One theta as the operations take it: vectors and embeddings in float32, the factors of products
// as T, rounded as theta says. What is bound must live as long as it is used.
template <class T>
class Gpt2Weights {
 public:
  static constexpr bool kRounded = !std::is_same_v<T, float>;

  void bind(const Stream& stream, const Theta& theta) {
    theta_ = theta.values;
    if constexpr (kRounded) {
      if (rounded_.size() != theta_.size() || !(rounded_.device() == stream.device())) {
        rounded_ = Buffer<T>(stream.device(), theta_.size());
      }
      if (theta.rounding) {
        convert_stochastically(stream, *theta.rounding, 0, theta_, rounded_.span());
      } else {
        convert(stream, theta_, rounded_.span());
      }
    }
  }

  std::span<const float> vector(const Gpt2Places::Vector& place) const { return at(theta_, place); }
  MatrixView<const float> table(const Gpt2Places::Matrix& place) const { return at(theta_, place); }
  MatrixView<const T> factor(const Gpt2Places::Matrix& place) const {
    if constexpr (kRounded) {
      return at(std::span<const T>(rounded_.span()), place);
    } else {
      return at(theta_, place);
    }
  }

 private:
  std::span<const float> theta_;
  Buffer<T> rounded_;  // empty in float32
};

}  // namespace bayesum
