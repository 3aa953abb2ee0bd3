#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/weights/network.hpp"
#include "kernels/buffer.hpp"
#include "kernels/network/activation.hpp"

namespace bayesum {

// A multilayer perceptron: a_0 = x, a_l = f(a_l-1 W_l + b_l), and a last layer without f, whose
// outputs are
//   classes > 0   the logits of a softmax over the classes
//   otherwise     the means of a Gaussian, one for each response, whose precision exp(tau) is
//                 learned too and shared by the responses
// Tensors: layers.L.weight [in, out], layers.L.bias [out], noise.log_precision [1]. Weights start
// at N(0, g / in), g = 2 for relu and gelu, 1 for tanh and the last layer (He et al., ICCV 2015);
// biases and tau at 0.
struct MlpConfig {
  std::size_t features = 1;
  std::size_t classes = 0;    // 0: a regression
  std::size_t responses = 1;  // of a regression
  std::vector<std::size_t> hidden;
  Activation activation = Activation::kRelu;
};

class Mlp final : public Network {
 public:
  explicit Mlp(MlpConfig config);

  std::string name() const override { return "mlp"; }
  const ParameterSpace& parameters() const override { return parameters_; }
  void reserve(const Stream& stream, std::size_t rows, std::size_t length) override;

  void accumulate(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                  NoiseId dropout, const GradientSink& sink,
                  std::span<double, WeightMessage::kScalars> counts) override;
  void evaluate(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                std::span<double, WeightMessage::kScalars> counts) override;

  // The log-probabilities of the classes; or the means of the responses, then tau.
  std::size_t outputs() const override;
  void predict(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
               std::span<float> out) override;

 private:
  struct Layer {
    std::size_t in = 0;
    std::size_t out = 0;
    std::size_t weight = 0;  // where they lie in theta
    std::size_t bias = 0;
    Buffer<float> before = {};    // a W + b, of the largest batch so far
    Buffer<float> after = {};     // f of it; of the last layer nothing
    Buffer<float> gradient = {};  // of `before`
  };

  MatrixView<const float> input(const ExampleBatch& batch, std::size_t layer) const;
  MatrixView<float> forward(const Stream& stream, std::span<const float> theta,
                            const ExampleBatch& batch);
  // The loss of the outputs, which become its gradient.
  void lose(const Stream& stream, std::span<const float> theta, const ExampleBatch& batch,
            MatrixView<float> outputs, std::span<double, WeightMessage::kScalars> counts);
  void add_noise_gradient(const Stream& stream, std::span<const float> theta,
                          const ExampleBatch& batch, MatrixView<const float> outputs,
                          const GradientSink& sink);

  MlpConfig config_;
  ParameterSpace parameters_;
  std::vector<Layer> layers_;
  std::size_t noise_ = 0;     // where tau lies
  std::size_t capacity_ = 0;  // rows
  Buffer<double> sums_;       // of the last loss
};

}  // namespace bayesum
