#include <algorithm>
#include <cmath>
#include <limits>

#include "core/families/special.hpp"
#include "models/predictive_distribution.hpp"

namespace bayesum {
namespace {

constexpr double kTail = 0.05;         // each side of the interval
constexpr double kNegligible = -40.0;  // log of a term that adds nothing to its neighbours

// Trapezoidal sums over t = log u, u ~ Gamma(nu/2, nu/2). The integrands are analytic in the strip
// |Im t| < pi/2, so that a step h errs by e^(-pi^2 / h), and no narrower than the density of t.
class LatentPrecision {
 public:
  explicit LatentPrecision(double degrees_of_freedom)
      : half_(0.5 * degrees_of_freedom), step_(std::min(0.3, 0.5 / std::sqrt(half_ + 0.5))) {}

  // E[f(1/u)]
  template <class F>
  double expectation(const F& f) const {
    double sum = 0, weights = 0;
    const auto add = [&](double t) {
      const double log_weight = log_weight_at(t);
      sum += std::exp(log_weight) * f(std::exp(-t));
      weights += std::exp(log_weight);
      return log_weight > kNegligible;
    };
    walk(add);
    return sum / weights;
  }

  // log E[exp(f(1/u))], of which nothing is lost to underflow. The integrand has its peak at or to
  // the right of `leftmost`.
  template <class F>
  double log_expectation(const F& f, double leftmost) const {
    double largest = -std::numeric_limits<double>::infinity(), sum = 0, weights = 0;
    const auto add = [&](double t) {
      const double log_weight = log_weight_at(t);
      weights += std::exp(log_weight);
      const double term = log_weight + f(std::exp(-t));
      if (term > largest) sum *= std::exp(largest - term);
      largest = std::max(largest, term);
      sum += std::exp(term - largest);
      return log_weight > kNegligible || term > largest + kNegligible || (t < 0 && t > leftmost);
    };
    walk(add);
    return largest + std::log(sum / weights);
  }

 private:
  double log_weight_at(double t) const { return -half_ * (std::expm1(t) - t); }

  template <class Add>
  void walk(const Add& add) const {
    add(0.0);
    for (double i = 1; add(i * step_); ++i) continue;
    for (double i = 1; add(-i * step_); ++i) continue;
  }

  double half_;
  double step_;
};

// Y - location, given u: t of `degrees` with squared scale spread + noise / u.
struct Component {
  double spread, noise, degrees;
  double mode = student_t_log_mode(degrees);

  double scale(double inverse_u) const { return std::sqrt(spread + noise * inverse_u); }
  double below(double r, double inverse_u) const {
    return special::student_t_cdf(r / scale(inverse_u), degrees);
  }
  double log_density(double r, double inverse_u) const {
    const double s = scale(inverse_u);
    return mode - 0.5 * (degrees + 1.0) * std::log1p(r / s * (r / s) / degrees) - std::log(s);
  }
};

// h > 0 with P(Y < location - h) = kTail. In logarithms the tail is nearly straight in h: Newton's
// method there, by halves where it leaves what is known of the root.
double half_width(const LatentPrecision& precision, const Component& component, double guess) {
  double low = -std::numeric_limits<double>::infinity(), high = -low, x = std::log(guess);
  for (int iteration = 0; iteration < 200; ++iteration) {
    const double h = std::exp(x);
    const double tail =
        precision.expectation([&](double inverse_u) { return component.below(-h, inverse_u); });
    const double density = precision.expectation(
        [&](double inverse_u) { return std::exp(component.log_density(h, inverse_u)); });
    (tail > kTail ? low : high) = x;
    double next = x + std::log(tail / kTail) * tail / (h * density);
    if (!(next > low && next < high)) {
      next = std::isinf(low) ? high - 1.0 : std::isinf(high) ? low + 1.0 : 0.5 * (low + high);
    }
    if (std::abs(next - x) <= 1e-13) return std::exp(next);
    x = next;
  }
  return std::exp(x);
}

}  // namespace

Prediction scale_mixture_prediction(const ScaleMixture& of, std::optional<double> y) {
  if (std::isinf(of.degrees_of_freedom)) {
    return student_t_prediction(of.location, std::sqrt(of.squared_scale + of.noise), of.degrees, y);
  }
  const LatentPrecision precision(of.degrees_of_freedom);
  const Component component{of.squared_scale, of.noise, of.degrees};
  const double noise_sd = special::student_t_sd(of.degrees_of_freedom);
  const double guess =
      -std::sqrt(of.squared_scale + of.noise) *
      special::student_t_quantile(kTail, std::min(of.degrees_of_freedom, of.degrees));
  const double half = half_width(precision, component, guess);
  Prediction prediction{.mean = of.location,
                        .sd = std::sqrt(of.squared_scale + of.noise * noise_sd * noise_sd) *
                              special::student_t_sd(of.degrees),
                        .low = of.location - half,
                        .high = of.location + half};
  if (y) {
    const double r = *y - of.location;
    const double leftmost = -std::log1p(r / of.noise * r / of.degrees_of_freedom);
    prediction.log_density = precision.log_expectation(
        [&](double inverse_u) { return component.log_density(r, inverse_u); }, leftmost);
    prediction.cdf = prediction.cdf_below =
        precision.expectation([&](double inverse_u) { return component.below(r, inverse_u); });
  }
  return prediction;
}

}  // namespace bayesum
