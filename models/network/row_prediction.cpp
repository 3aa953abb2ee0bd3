#include "models/network/row_prediction.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/families/special.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kMostRows = 256;
constexpr std::size_t kBatchValues = std::size_t{1} << 22;
constexpr double kTail = 0.05;  // each side of the interval
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// An equal mixture of Gaussians.
struct Mixture {
  std::span<const double> means;
  std::span<const double> sds;

  template <class F>
  double average(const F& of) const {
    double sum = 0;
    for (std::size_t s = 0; s < means.size(); ++s) sum += of(means[s], sds[s]);
    return sum / static_cast<double>(means.size());
  }
  double cdf(double y) const {
    return average([y](double m, double sd) { return special::normal_cdf((y - m) / sd); });
  }
  double log_density(double y) const;
  double quantile(double p) const;
};

double Mixture::log_density(double y) const {
  const auto term = [y](double m, double sd) {
    const double z = (y - m) / sd;
    return -0.5 * z * z - std::log(sd) - 0.5 * std::log(2.0 * std::numbers::pi);
  };
  double largest = -std::numeric_limits<double>::infinity();
  for (std::size_t s = 0; s < means.size(); ++s)
    largest = std::max(largest, term(means[s], sds[s]));
  return largest +
         std::log(average([&](double m, double sd) { return std::exp(term(m, sd) - largest); }));
}

// It lies between the quantiles of the components.
double Mixture::quantile(double p) const {
  const double z = special::normal_quantile(p);
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (std::size_t s = 0; s < means.size(); ++s) {
    low = std::min(low, means[s] + z * sds[s]);
    high = std::max(high, means[s] + z * sds[s]);
  }
  for (;;) {
    const double middle = low + 0.5 * (high - low);
    if (!(middle > low && middle < high)) return middle;
    (cdf(middle) < p ? low : high) = middle;
  }
}

Prediction class_prediction_of(const AveragedClasses& classes, std::size_t row, bool known) {
  const auto probabilities = classes.probabilities(row);
  return {.mean = kNaN,
          .sd = kNaN,
          .low = kNaN,
          .high = kNaN,
          .log_density = known ? classes.log_probability(row) : kNaN,
          .probabilities = {probabilities.begin(), probabilities.end()}};
}

// In the units of the file, of a mixture in those of the network.
Prediction rescaled(Prediction z, const RowDesign& design) {
  z.mean = design.response_mean + design.response_sd * z.mean;
  z.low = design.response_mean + design.response_sd * z.low;
  z.high = design.response_mean + design.response_sd * z.high;
  z.sd *= design.response_sd;
  z.log_density -= std::log(design.response_sd);
  return z;
}

}  // namespace

Prediction gaussian_mixture_prediction(std::span<const double> means, std::span<const double> sds,
                                       std::optional<double> y) {
  const Mixture mixture{means, sds};
  const double mean = mixture.average([](double m, double) { return m; });
  const double variance =
      mixture.average([&](double m, double sd) { return sd * sd + (m - mean) * (m - mean); });
  Prediction prediction{.mean = mean,
                        .sd = std::sqrt(variance),
                        .low = mixture.quantile(kTail),
                        .high = mixture.quantile(1 - kTail)};
  if (y) {
    prediction.log_density = mixture.log_density(*y);
    prediction.cdf = prediction.cdf_below = mixture.cdf(*y);
  }
  return prediction;
}

RowPredictor::RowPredictor(const Stream& stream, Network& network, WeightDraws& draws,
                           const Examples& examples, const RowDesign& design)
    : stream_(stream),
      network_(network),
      draws_(draws),
      design_(design),
      rows_(std::clamp<std::size_t>(kBatchValues / network.outputs(), 1, kMostRows)),
      feed_(examples, rows_, stream.device()),
      outputs_(rows_ * network.outputs()) {
  const ExampleShape& shape = examples.shape();
  if (!shape.is_tokens() && (shape.classes > 0 || shape.responses == 1)) return;
  throw Error(ExitCode::kUsage, "what is to be predicted is not one class or number a row");
}

RowPredictions RowPredictor::predict(std::uint64_t first, std::size_t rows) {
  const ExampleBatch batch = feed_.fetch_in_order(stream_, first, rows);
  return design_.classes.empty() ? predict_numbers(batch) : predict_classes(batch);
}

std::span<const float> RowPredictor::outputs(const ExampleBatch& batch, const Theta& theta) {
  const auto out = std::span(outputs_).first(batch.rows * network_.outputs());
  network_.predict(stream_, theta, batch, out);
  return out;
}

RowPredictions RowPredictor::predict_classes(const ExampleBatch& batch) {
  std::vector<std::int32_t> labels(batch.rows);
  copy<std::int32_t>(stream_, batch.targets, labels);
  std::vector<std::int32_t> asked = labels;  // a class at any rate
  std::ranges::replace(asked, kNoTarget, 0);
  const auto said_of = [&](const AveragedClasses& classes) {
    std::vector<Prediction> said;
    for (std::size_t row = 0; row < batch.rows; ++row) {
      said.push_back(class_prediction_of(classes, row, labels[row] != kNoTarget));
    }
    return said;
  };
  AveragedClasses classes(batch.rows, network_.outputs());
  classes.add(outputs(batch, draws_.mean()), asked);
  RowPredictions predictions{.at_mean = said_of(classes), .averaged = {}};
  classes.clear();
  for (std::size_t s = 0; s < draws_.size(); ++s) {
    classes.add(outputs(batch, draws_.theta(stream_, s)), asked);
  }
  predictions.averaged = said_of(classes);
  return predictions;
}

RowPredictions RowPredictor::predict_numbers(const ExampleBatch& batch) {
  std::vector<float> responses(batch.rows);
  copy<float>(stream_, {batch.response.data, responses.size()}, responses);
  const auto said_by = [&](std::size_t count, const auto& theta) {
    std::vector<double> means(batch.rows * count), sds(means.size());
    for (std::size_t s = 0; s < count; ++s) {
      const auto out = outputs(batch, theta(s));
      for (std::size_t row = 0; row < batch.rows; ++row) {
        means[row * count + s] = out[2 * row];
        sds[row * count + s] = std::exp(-0.5 * double{out[2 * row + 1]});
      }
    }
    std::vector<Prediction> said(batch.rows);
    cpu::parallel_for(batch.rows, [&](std::size_t row) {
      const double y = responses[row];
      said[row] =
          rescaled(gaussian_mixture_prediction(std::span(means).subspan(row * count, count),
                                               std::span(sds).subspan(row * count, count),
                                               std::isnan(y) ? std::nullopt : std::optional(y)),
                   design_);
    });
    return said;
  };
  return {
      .at_mean = said_by(1, [&](std::size_t) { return draws_.mean(); }),
      .averaged = said_by(draws_.size(), [&](std::size_t s) { return draws_.theta(stream_, s); })};
}

}  // namespace bayesum
