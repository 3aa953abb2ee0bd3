#include "models/conjugate/conjugate.hpp"

#include <utility>
#include <vector>

#include "kernels/elementwise.hpp"
#include "kernels/reduce.hpp"

namespace bayesum {

ConjugateModel::ConjugateModel(Prior prior, Posterior initial) : initial_(std::move(initial)) {
  set_prior(std::move(prior));
}

void ConjugateModel::prepare(const Stream& stream, const Posterior& q) {
  if (mean_.size() != q.size() || mean_.device() != stream.device()) {
    mean_ = Buffer<double>(stream.device(), q.size());
    statistics_ = Buffer<double>(stream.device(), q.size());
  }
  const std::vector<double> mean = q.mean();
  copy(stream, std::span<const double>(mean), mean_.span());
}

void ConjugateModel::accumulate(const Stream& stream, const Batch& batch, Message& message) {
  const std::size_t size = statistics_.size();
  apply(stream, Fill{0.0, statistics_.data()}, size);
  const double base = add_statistics(stream, batch, statistics_.span());
  apply(stream, AddScaled{.scale = 1.0, .x = statistics_.data(), .out = message.payload().data()},
        size);
  const double log_likelihood =
      dot(stream, std::as_const(statistics_).span(), std::as_const(mean_).span()) + base;
  message.count(stream, Message::kLoss, -log_likelihood);
}

void ConjugateModel::log_likelihood(const Batch& batch, MatrixView<const double> draws,
                                    std::span<double> sums) const {
  const Stream host;
  Buffer<double> statistics(host.device(), initial_.size());
  apply(host, Fill{0.0, statistics.data()}, statistics.size());
  const double base = add_statistics(host, batch, statistics.span());
  for (std::size_t s = 0; s < draws.rows; ++s) {
    const auto t = initial_.sufficient_statistic({draws.data + s * draws.stride, draws.cols});
    sums[s] += dot(host, std::as_const(statistics).span(), t) + base;
  }
}

double total_weight(const Stream& stream, const Batch& batch) {
  return batch.weight.empty() ? static_cast<double>(batch.rows()) : sum(stream, batch.weight);
}

std::span<const double> weights_or_ones(const Stream& stream, const Batch& batch,
                                        Buffer<double>& ones) {
  if (!batch.weight.empty()) return batch.weight;
  if (ones.size() < batch.rows() || ones.device() != stream.device()) {
    ones = Buffer<double>(stream.device(), batch.rows());
    apply(stream, Fill{1.0, ones.data()}, ones.size());
  }
  return std::as_const(ones).span().first(batch.rows());
}

}  // namespace bayesum
