#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "core/weights/parameter_space.hpp"
#include "core/weights/weight_message.hpp"
#include "kernels/matrix.hpp"
#include "kernels/random.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// Some examples of one pass, on the stream's device. What the network has none of stays empty.
struct ExampleBatch {
  std::size_t rows = 0;                  // examples; sequences, of a language model
  std::size_t length = 1;                // tokens of each
  std::span<const std::int32_t> tokens;  // rows x length
  MatrixView<const float> features;      // rows x features
  // What is to be predicted, rows x length: the token that follows, or the label of the row;
  // kNoTarget where nothing is.
  std::span<const std::int32_t> targets;
  MatrixView<const float> response;  // rows x responses, of a regression
  // What `accumulate` counts of it, known to the host beforehand: the targets that are not
  // kNoTarget, or the rows of a regression. For the trainer, a network does not read it.
  std::size_t examples = 0;
};

// Weights at which a network is asked, in its parameter space: float32, on the stream's device.
// What a network multiplies by in fewer bits, it rounds: a draw stochastically, by the bits of the
// noise vector `rounding`, so that in the mean over them it stands at theta itself, however near
// its neighbours are to one another; without, to the nearest.
struct Theta {
  std::span<const float> values;
  std::optional<NoiseId> rounding;

  template <class Values>
  requires std::convertible_to<Values, std::span<const float>> Theta(Values&& of,
                                                                     std::optional<NoiseId> by = {})
      : values(of), rounding(by) {}
};

// The vector of noise that the draw of weights by `draw` is rounded by.
inline NoiseId rounding_noise(NoiseId draw) {
  draw.draw ^= 0x40000000u;
  return draw;
}

// Where the gradient of one batch goes, on the stream's device. All are added to.
struct GradientSink {
  std::span<float> gradient;  // of the summed negative log-likelihood, in the parameter space
  // Sums of the squares of the gradient of each example; empty: not asked for.
  std::span<float> squares = {};
  // Called as the backward pass goes, from the last parameters to the first: the gradient of
  // [first, size) is final. What hides communication behind the backward pass hangs here.
  std::function<void(std::size_t first)> final_from = {};
};

// A likelihood given by a network: (theta, examples) to loss and gradient. Knows nothing of
// posteriors, ranks or rules. Memory for activations is taken once, for the largest batch.
class Network {
 public:
  virtual ~Network() = default;

  virtual std::string name() const = 0;
  virtual const ParameterSpace& parameters() const = 0;

  // Takes the memory for training on batches of rows x length now, so that no pass has to.
  // Error(kDevice) where there is too little.
  virtual void reserve(const Stream& stream, std::size_t rows, std::size_t length) = 0;

  // Runs forward and backward at theta. Adds to the sink, and loss, examples and correct to the
  // counts, on the stream's device as all else: nothing is read from there, so that the host may
  // run ahead. `dropout` names the noise of dropout; two passes with one id drop the same.
  virtual void accumulate(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                          NoiseId dropout, const GradientSink& sink,
                          std::span<double, WeightMessage::kScalars> counts) = 0;

  // Runs forward only, without dropout: adds loss, examples and correct to the same counts.
  virtual void evaluate(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                        std::span<double, WeightMessage::kScalars> counts) = 0;

  // What it says of each target of the batch, without dropout: `outputs` values a target, in host
  // memory, row-major. Of a classifier or language model the log-probabilities of all classes; of
  // a regression the means of the responses, then the log of the precision of their noise.
  virtual std::size_t outputs() const = 0;
  virtual void predict(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                       std::span<float> out) = 0;
};

}  // namespace bayesum
