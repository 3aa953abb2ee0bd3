#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/families/family.hpp"

namespace bayesum {

// What an element of Independent may leave as it is.
struct IndependentElement {
  static double log_base_measure(std::span<const double>) { return 0.0; }
};

// K independent pieces of one small family, whose parameters lie together. The element is the
// family of one piece, functions of its kDimension elements of theta and its kSize natural
// parameters, which mean what they mean in Family:
//
//   kName, kDimension, kSize
//   proper(natural), statistic(theta, t), log_base_measure(theta), log_partition(natural),
//   entropy(natural), mean_from_natural(natural, mean), natural_from_mean(mean, natural)
//   moments(natural, mean, sd)
//   sample(natural, theta)     theta holds kDimension uniform numbers, and then the draw
template <class Element>
class Independent final : public Family {
 public:
  // `dimension` is K Element::kDimension.
  explicit Independent(std::size_t dimension) : count_(dimension / Element::kDimension) {}

  std::string name() const override { return Element::kName; }
  std::size_t dimension() const override { return count_ * Element::kDimension; }
  std::size_t size() const override { return count_ * Element::kSize; }
  std::size_t unit() const override { return Element::kSize; }
  std::shared_ptr<const Family> of_units(std::size_t units) const override {
    return std::make_shared<Independent>(units * Element::kDimension);
  }

  bool proper(std::span<const double> natural) const override {
    for (std::size_t k = 0; k < count_; ++k) {
      if (!Element::proper(parameters(natural, k))) return false;
    }
    return true;
  }
  void sufficient_statistic(std::span<const double> theta, std::span<double> t) const override {
    for (std::size_t k = 0; k < count_; ++k) {
      Element::statistic(elements(theta, k), parameters(t, k));
    }
  }
  double log_base_measure(std::span<const double> theta) const override {
    double sum = 0;
    for (std::size_t k = 0; k < count_; ++k) sum += Element::log_base_measure(elements(theta, k));
    return sum;
  }
  double log_partition(std::span<const double> natural) const override {
    double sum = 0;
    for (std::size_t k = 0; k < count_; ++k) sum += Element::log_partition(parameters(natural, k));
    return sum;
  }
  double entropy(std::span<const double> natural) const override {
    double sum = 0;
    for (std::size_t k = 0; k < count_; ++k) sum += Element::entropy(parameters(natural, k));
    return sum;
  }
  void mean_from_natural(std::span<const double> natural, std::span<double> mean) const override {
    for (std::size_t k = 0; k < count_; ++k) {
      Element::mean_from_natural(parameters(natural, k), parameters(mean, k));
    }
  }
  void natural_from_mean(std::span<const double> mean, std::span<double> natural) const override {
    for (std::size_t k = 0; k < count_; ++k) {
      Element::natural_from_mean(parameters(mean, k), parameters(natural, k));
    }
  }
  void sample(std::span<const double> natural, NoiseId id, std::span<double> theta) const override {
    fill_uniform(Stream(), id, 0, theta);
    for (std::size_t k = 0; k < count_; ++k) {
      Element::sample(parameters(natural, k), elements(theta, k));
    }
  }
  Moments moments(std::span<const double> natural) const override {
    Moments moments{std::vector<double>(dimension()), std::vector<double>(dimension())};
    for (std::size_t k = 0; k < count_; ++k) {
      Element::moments(parameters(natural, k), elements(std::span(moments.mean), k),
                       elements(std::span(moments.sd), k));
    }
    return moments;
  }

 private:
  template <class Number>
  static std::span<Number> parameters(std::span<Number> all, std::size_t k) {
    return all.subspan(k * Element::kSize, Element::kSize);
  }
  template <class Number>
  static std::span<Number> elements(std::span<Number> all, std::size_t k) {
    return all.subspan(k * Element::kDimension, Element::kDimension);
  }

  std::size_t count_;
};

}  // namespace bayesum
