#include "models/network/mlp.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/elementwise.hpp"
#include "kernels/network/cross_entropy.hpp"
#include "kernels/network/gradients.hpp"
#include "kernels/network/matmul.hpp"
#include "models/network/add_counts.hpp"

namespace bayesum {
namespace {

MatrixView<const float> matrix(std::span<const float> theta, std::size_t first, std::size_t rows,
                               std::size_t cols) {
  return {theta.data() + first, rows, cols};
}

}  // namespace

Mlp::Mlp(MlpConfig config) : config_(std::move(config)) {
  std::size_t in = config_.features;
  const std::size_t last = config_.classes > 0 ? config_.classes : config_.responses;
  for (std::size_t l = 0; l <= config_.hidden.size(); ++l) {
    const bool hidden = l < config_.hidden.size();
    const std::size_t out = hidden ? config_.hidden[l] : last;
    const double gain = hidden && config_.activation != Activation::kTanh ? 2.0 : 1.0;
    const std::string name = "layers." + std::to_string(l);
    Layer layer{.in = in, .out = out};
    layer.weight = parameters_.add({.name = name + ".weight",
                                    .shape = {in, out},
                                    .initial_mean = 0,
                                    .initial_sd = std::sqrt(gain / static_cast<double>(in)),
                                    .first = 0});
    layer.bias = parameters_.add(
        {.name = name + ".bias", .shape = {out}, .initial_mean = 0, .initial_sd = 0, .first = 0});
    layers_.push_back(std::move(layer));
    in = out;
  }
  if (config_.classes > 0) return;
  noise_ = parameters_.add({.name = "noise.log_precision",
                            .shape = {1},
                            .initial_mean = 0,
                            .initial_sd = 0,
                            .first = 0});
}

std::size_t Mlp::outputs() const {
  return config_.classes > 0 ? config_.classes : config_.responses + 1;
}

void Mlp::reserve(const Stream& stream, std::size_t rows, std::size_t) {
  if (sums_.size() == 0) sums_ = Buffer<double>(stream.device(), kLossSums);
  if (rows <= capacity_) return;
  capacity_ = rows;
  for (Layer& layer : layers_) {
    const bool hidden = &layer != &layers_.back();
    layer.before = Buffer<float>(stream.device(), rows * layer.out);
    layer.after = Buffer<float>(stream.device(), hidden ? rows * layer.out : 0);
    layer.gradient = Buffer<float>(stream.device(), hidden ? rows * layer.out : 0);
  }
}

MatrixView<const float> Mlp::input(const ExampleBatch& batch, std::size_t layer) const {
  if (layer == 0) return batch.features;
  const Layer& below = layers_[layer - 1];
  return {below.after.data(), batch.rows, below.out};
}

MatrixView<float> Mlp::forward(const Stream& stream, std::span<const float> theta,
                               const ExampleBatch& batch) {
  reserve(stream, batch.rows, 1);
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    Layer& layer = layers_[l];
    const MatrixView<float> before(layer.before.data(), batch.rows, layer.out);
    matmul(stream, {.bias = theta.subspan(layer.bias, layer.out)}, input(batch, l),
           matrix(theta, layer.weight, layer.in, layer.out), before);
    if (l + 1 == layers_.size()) return before;
    const std::size_t size = batch.rows * layer.out;
    activate(stream, config_.activation, layer.before.span().first(size),
             layer.after.span().first(size));
  }
  return {};
}

void Mlp::lose(const Stream& stream, std::span<const float> theta, const ExampleBatch& batch,
               MatrixView<float> outputs, std::span<double, WeightMessage::kScalars> counts) {
  apply(stream, Fill{.value = 0, .out = sums_.data()}, kLossSums);
  if (config_.classes > 0) {
    cross_entropy(stream, CrossEntropy<float>{.logits = outputs,
                                              .classes = config_.classes,
                                              .targets = batch.targets,
                                              .sums = sums_.span()});
    add_counts(stream, sums_.span(), counts);
  } else {
    squared_error(stream, SquaredError<float>{.output = outputs,
                                              .target = batch.response,
                                              .log_precision = theta.data() + noise_,
                                              .sums = sums_.span()});
    add_counts(stream, sums_.span().first(WeightMessage::kCorrect), counts);
  }
}

void Mlp::accumulate(const Stream& stream, const Theta& theta, const ExampleBatch& batch, NoiseId,
                     const GradientSink& sink, std::span<double, WeightMessage::kScalars> counts) {
  const MatrixView<float> outputs = forward(stream, theta.values, batch);
  lose(stream, theta.values, batch, outputs, counts);
  if (config_.classes == 0) add_noise_gradient(stream, theta.values, batch, outputs, sink);
  MatrixView<const float> dy = outputs;
  for (std::size_t l = layers_.size(); l-- > 0;) {
    const Layer& layer = layers_[l];
    const MatrixView<const float> x = input(batch, l);
    matmul(stream, {.transpose_a = Transpose::kYes, .beta = 1.0f}, x, dy,
           {sink.gradient.data() + layer.weight, layer.in, layer.out});
    add_column_sums(stream, dy, sink.gradient.subspan(layer.bias, layer.out));
    if (!sink.squares.empty()) {
      add_squared_gradients(stream,
                            SquaredGradients<float>{
                                .x = x,
                                .dy = dy,
                                .weight = {sink.squares.data() + layer.weight, layer.in, layer.out},
                                .bias = sink.squares.subspan(layer.bias, layer.out)});
    }
    if (sink.final_from) sink.final_from(layer.weight);
    if (l == 0) return;
    Layer& below = layers_[l - 1];
    const MatrixView<float> dx(below.gradient.data(), batch.rows, below.out);
    matmul(stream, {.transpose_b = Transpose::kYes}, dy,
           matrix(theta.values, layer.weight, layer.in, layer.out), dx);
    const std::size_t size = batch.rows * below.out;
    activate_backward(stream, config_.activation, below.before.span().first(size),
                      below.gradient.span().first(size), below.gradient.span().first(size));
    dy = dx;
  }
}

// The outputs hold exp(tau) (f - y) by now.
void Mlp::add_noise_gradient(const Stream& stream, std::span<const float> theta,
                             const ExampleBatch& batch, MatrixView<const float> outputs,
                             const GradientSink& sink) {
  const float* const tau = theta.data() + noise_;
  apply(stream,
        AddLogPrecisionGradient{.log_precision = tau,
                                .squared_error = sums_.data() + 2,
                                .responses = static_cast<double>(batch.rows * config_.responses),
                                .gradient = sink.gradient.data() + noise_},
        1);
  if (sink.squares.empty()) return;
  apply(stream,
        AddLogPrecisionSquares{.log_precision = tau,
                               .slopes = outputs.data,
                               .rows = batch.rows,
                               .cols = config_.responses,
                               .squares = sink.squares.data() + noise_},
        1);
}

void Mlp::evaluate(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                   std::span<double, WeightMessage::kScalars> counts) {
  lose(stream, theta.values, batch, forward(stream, theta.values, batch), counts);
}

void Mlp::predict(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                  std::span<float> out) {
  const MatrixView<float> outputs = forward(stream, theta.values, batch);
  if (config_.classes > 0) return log_softmax(stream, outputs, config_.classes, out);
  const std::size_t columns = outputs.cols;
  std::vector<float> means(batch.rows * columns);
  copy<float>(stream, {outputs.data, means.size()}, means);
  std::array<float, 1> tau{};
  copy<float>(stream, theta.values.subspan(noise_, 1), tau);
  for (std::size_t row = 0; row < batch.rows; ++row) {
    float* const to = out.data() + row * (columns + 1);
    for (std::size_t j = 0; j < columns; ++j) to[j] = means[row * columns + j];
    to[columns] = tau[0];
  }
}

}  // namespace bayesum
