#include "models/regression/softmax.hpp"

#include "kernels/elementwise.hpp"
#include "kernels/error.hpp"
#include "kernels/reduce.hpp"
#include "models/regression/gaussian_coefficients.hpp"

namespace bayesum {
namespace {

// The error of an average over antithetic pairs, which is of the order of sqrt(D / draws) nats of
// an ELBO of hundreds and more.
constexpr double kSamplingError = 1e-2;

std::size_t class_count(const Design& design) {
  if (design.classes.size() >= 2) return design.classes.size();
  throw Error(ExitCode::kUsage,
              "a softmax model needs a response of two classes or more, and has " +
                  std::to_string(design.classes.size()));
}

std::vector<CoefficientPrior> priors_of(const PriorConfig& prior, const Design& design) {
  const auto of_class = coefficient_priors(prior, design, 0.0);
  std::vector<CoefficientPrior> all;
  for (std::size_t c = 1; c < class_count(design); ++c) {
    all.insert(all.end(), of_class.begin(), of_class.end());
  }
  return all;
}

}  // namespace

SoftmaxModel::SoftmaxModel(const ModelConfig& config, const PriorConfig& prior,
                           const Design& design)
    : full_(config.posterior == "full"),
      delta_(config.expectation == "delta"),
      classes_(class_count(design)),
      columns_(design.columns()),
      draws_(delta_ ? 1 : static_cast<std::size_t>(config.draws)),
      seed_(static_cast<std::uint64_t>(config.draw_seed)) {
  if (!delta_ && draws_ % 2 != 0) {
    throw Error(ExitCode::kUsage, "model.draws = " + std::to_string(draws_) +
                                      " must be even: draws come in antithetic pairs");
  }
  const auto coefficients = priors_of(prior, design);
  set_prior(gaussian_prior(full_, coefficients));
  initial_ = initial_gaussian(full_, coefficients, prior_means(coefficients));
}

double SoftmaxModel::objective(const Posterior& q, double loss) const {
  return delta_ ? log_joint_at_mean(q, full_, prior(), loss) : elbo(q, prior(), -loss);
}

double SoftmaxModel::objective_error() const {
  return delta_ ? Model::objective_error() : kSamplingError;
}

void SoftmaxModel::prepare(const Stream& stream, const Posterior& q) {
  if (thetas_.size() == 0 || thetas_.device() != stream.device()) {
    thetas_ = Buffer<double>(stream.device(), draws_ * dimension());
    sums_ = Buffer<double>(stream.device(), full_ ? 0 : 2 * dimension());
  }
  const std::vector<double> thetas =
      delta_ ? gaussian_mean(full_, q.natural(), dimension())
             : antithetic_draws(full_, q.natural(), dimension(), {0, draws_ / 2}, seed_);
  copy(stream, std::span<const double>(thetas), thetas_.span());
}

void SoftmaxModel::check(const Stream& stream, const Batch& batch) const {
  if (!batch.offset.empty()) {
    throw Error(ExitCode::kUsage,
                "a softmax model has a linear predictor for each class, and no one for data.offset "
                "to be added to");
  }
  const double largest = batch.y.empty() ? 0.0 : max_abs(stream, batch.y);
  if (!(largest < static_cast<double>(classes_))) {
    throw Error(ExitCode::kUsage, "class " + std::to_string(static_cast<std::uint64_t>(largest)) +
                                      " is not one of the " + std::to_string(classes_) +
                                      " classes of the response, 0 the first");
  }
}

void SoftmaxModel::accumulate(const Stream& stream, const Batch& batch, Message& message) {
  check(stream, batch);
  SoftmaxPass pass{.x = batch.x,
                   .y = batch.y,
                   .weight = batch.weight,
                   .classes = classes_,
                   .draws = {thetas_.data(), draws_, dimension()}};
  if (full_) {
    pass.gradient = message.payload().first(dimension());
    pass.curvature = message.payload().subspan(dimension());
    message.count(stream, Message::kLoss, softmax_pass(stream, pass, memory_));
    return;
  }
  apply(stream, Fill{.value = 0.0, .out = sums_.data()}, sums_.size());
  pass.gradient = sums_.span().first(dimension());
  pass.curvature = sums_.span().last(dimension());
  message.count(stream, Message::kLoss, softmax_pass(stream, pass, memory_));
  add_interleaved(stream, sums_.span(), message.payload());
}

void SoftmaxModel::log_likelihood(const Batch& batch, MatrixView<const double> draws,
                                  std::span<double> sums) const {
  check(Stream(), batch);
  SoftmaxMemory memory;
  for (std::size_t s = 0; s < draws.rows; ++s) {
    const MatrixView<const double> theta = draws.row_block(s, 1);
    sums[s] -= softmax_pass(Stream(),
                            {.x = batch.x,
                             .y = batch.y,
                             .weight = batch.weight,
                             .classes = classes_,
                             .draws = {theta.data, 1, theta.cols}},
                            memory);
  }
}

}  // namespace bayesum
