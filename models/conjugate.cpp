#include "models/conjugate.hpp"

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
  add_statistics(stream, batch, statistics_.span());
  apply(stream, AddScaled{.scale = 1.0, .x = statistics_.data(), .out = message.payload().data()},
        size);
  const double log_likelihood =
      dot(stream, std::as_const(statistics_).span(), std::as_const(mean_).span()) +
      log_base(stream, batch);
  message.count(stream, Message::kLoss, -log_likelihood);
}

double total_weight(const Stream& stream, const Batch& batch) {
  return batch.weight.empty() ? static_cast<double>(batch.rows()) : sum(stream, batch.weight);
}

}  // namespace bayesum
