#include "tests/support/toy_network.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/random.hpp"

namespace bayesum::testing {

ToyExamples::ToyExamples(std::size_t rows, std::size_t features, std::size_t classes)
    : shape_{.features = features, .classes = classes}, features_(rows * features), labels_(rows) {
  fill_normal(Stream(), {.seed = 11, .step = 0, .draw = 0}, 0, std::span<float>(features_));
  for (std::size_t row = 0; row < rows; ++row) {
    labels_[row] = static_cast<std::int32_t>(row % classes);
    features_[row * features + row % classes % features] += 1.5f;
  }
}

void ToyExamples::put(std::uint64_t row, std::size_t place, const ExampleBuffers& out) const {
  std::ranges::copy(features(row),
                    out.features.begin() + static_cast<std::ptrdiff_t>(place * shape_.features));
  out.labels[place] = labels_[row];
}

void ToyExamples::fetch(std::span<const ExampleId> ids, const ExampleBuffers& out) const {
  check_buffers(shape_, ids.size(), out);
  for (std::size_t i = 0; i < ids.size(); ++i) put(ids[i].index, i, out);
}

void ToyExamples::fetch_in_order(std::uint64_t first, std::size_t rows,
                                 const ExampleBuffers& out) const {
  check_buffers(shape_, rows, out);
  for (std::size_t i = 0; i < rows; ++i) put(first + i, i, out);
}

ToyNetwork::ToyNetwork(std::size_t features, std::size_t classes)
    : features_(features), classes_(classes) {
  weight_ = parameters_.add({.name = "layer.weight",
                             .shape = {features, classes},
                             .initial_mean = 0,
                             .initial_sd = 0.3,
                             .first = 0});
  bias_ = parameters_.add(
      {.name = "layer.bias", .shape = {classes}, .initial_mean = 0, .initial_sd = 0, .first = 0});
}

std::vector<double> ToyNetwork::log_probabilities(std::span<const float> theta,
                                                  const float* x) const {
  std::vector<double> logits(classes_);
  for (std::size_t c = 0; c < classes_; ++c) {
    logits[c] = theta[bias_ + c];
    for (std::size_t j = 0; j < features_; ++j) {
      logits[c] += double{x[j]} * theta[weight_ + j * classes_ + c];
    }
  }
  double total = 0;
  for (const double z : logits) total += std::exp(z);
  for (double& z : logits) z -= std::log(total);
  return logits;
}

void ToyNetwork::count(const std::vector<double>& log_p, std::int32_t label,
                       std::span<double, WeightMessage::kScalars> counts) const {
  const auto best = std::ranges::max_element(log_p) - log_p.begin();
  counts[WeightMessage::kLoss] -= log_p[static_cast<std::size_t>(label)];
  counts[WeightMessage::kExamples] += 1;
  counts[WeightMessage::kCorrect] += best == label ? 1 : 0;
}

void ToyNetwork::accumulate(const Stream&, const Theta& theta, const ExampleBatch& batch, NoiseId,
                            const GradientSink& sink,
                            std::span<double, WeightMessage::kScalars> counts) {
  roundings_.push_back(theta.rounding);
  for (std::size_t row = 0; row < batch.rows; ++row) {
    const float* x = batch.features.data + row * batch.features.stride;
    const std::vector<double> log_p = log_probabilities(theta.values, x);
    count(log_p, batch.targets[row], counts);
    for (std::size_t c = 0; c < classes_; ++c) {
      const double residual =
          std::exp(log_p[c]) - (static_cast<std::int32_t>(c) == batch.targets[row] ? 1 : 0);
      const auto add = [&](std::size_t i, double g) {
        sink.gradient[i] += static_cast<float>(g);
        if (!sink.squares.empty()) sink.squares[i] += static_cast<float>(g * g);
      };
      add(bias_ + c, residual);
      for (std::size_t j = 0; j < features_; ++j) {
        add(weight_ + j * classes_ + c, residual * x[j]);
      }
    }
  }
  if (sink.final_from) sink.final_from(0);
}

void ToyNetwork::evaluate(const Stream&, const Theta& theta, const ExampleBatch& batch,
                          std::span<double, WeightMessage::kScalars> counts) {
  for (std::size_t row = 0; row < batch.rows; ++row) {
    const float* x = batch.features.data + row * batch.features.stride;
    count(log_probabilities(theta.values, x), batch.targets[row], counts);
  }
}

void ToyNetwork::predict(const Stream&, const Theta& theta, const ExampleBatch& batch,
                         std::span<float> out) {
  for (std::size_t row = 0; row < batch.rows; ++row) {
    const float* x = batch.features.data + row * batch.features.stride;
    const std::vector<double> log_p = log_probabilities(theta.values, x);
    for (std::size_t c = 0; c < classes_; ++c) {
      out[row * classes_ + c] = static_cast<float>(log_p[c]);
    }
  }
}

}  // namespace bayesum::testing
