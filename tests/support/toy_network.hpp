#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/examples/examples.hpp"
#include "core/weights/network.hpp"

namespace bayesum::testing {

// A made-up classification problem, in memory: rows of features around one centre per class.
class ToyExamples final : public Examples {
 public:
  ToyExamples(std::size_t rows, std::size_t features, std::size_t classes);

  const ExampleShape& shape() const override { return shape_; }
  std::uint64_t size() const override { return labels_.size(); }
  void fetch(std::span<const ExampleId> ids, const ExampleBuffers& out) const override;
  std::uint64_t size_in_order() const override { return size(); }
  void fetch_in_order(std::uint64_t first, std::size_t rows,
                      const ExampleBuffers& out) const override;
  std::uint64_t fingerprint() const override { return 1; }

  std::span<const float> features(std::size_t row) const {
    return std::span(features_).subspan(row * shape_.features, shape_.features);
  }
  std::int32_t label(std::size_t row) const { return labels_[row]; }

 private:
  void put(std::uint64_t row, std::size_t place, const ExampleBuffers& out) const;

  ExampleShape shape_;
  std::vector<float> features_;
  std::vector<std::int32_t> labels_;
};

// Softmax regression with the arithmetic of a textbook, in float64: parameters layer.weight
// [features, classes] and layer.bias [classes]. On the CPU.
class ToyNetwork : public Network {
 public:
  ToyNetwork(std::size_t features, std::size_t classes);

  std::string name() const override { return "toy"; }
  const ParameterSpace& parameters() const override { return parameters_; }
  void reserve(const Stream&, std::size_t, std::size_t) override {}
  void accumulate(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                  NoiseId dropout, const GradientSink& sink,
                  std::span<double, WeightMessage::kScalars> counts) override;
  void evaluate(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                std::span<double, WeightMessage::kScalars> counts) override;
  std::size_t outputs() const override { return classes_; }
  void predict(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
               std::span<float> out) override;

  // What theta was to be rounded by, in each call of accumulate.
  const std::vector<std::optional<NoiseId>>& roundings() const { return roundings_; }

 private:
  std::vector<double> log_probabilities(std::span<const float> theta, const float* x) const;
  void count(const std::vector<double>& log_p, std::int32_t label,
             std::span<double, WeightMessage::kScalars> counts) const;

  std::size_t features_;
  std::size_t classes_;
  ParameterSpace parameters_;
  std::size_t weight_;
  std::size_t bias_;
  std::vector<std::optional<NoiseId>> roundings_;
};

}  // namespace bayesum::testing
