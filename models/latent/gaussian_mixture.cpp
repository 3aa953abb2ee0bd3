#include "models/latent/gaussian_mixture.hpp"

#include <cmath>
#include <memory>
#include <string>

#include "core/families/dirichlet.hpp"
#include "core/families/special.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/error.hpp"
#include "kernels/gram.hpp"
#include "kernels/reduce.hpp"
#include "models/latent/mixture_start.hpp"

namespace bayesum {
namespace {

// Of the columns as the design has them.
std::vector<double> mean_of(const Design& design, const DataSummary& summary) {
  std::vector<double> mean;
  for (std::size_t j = 0; j < design.features.size(); ++j) {
    mean.push_back((summary.mean[j] - design.mean[j]) / design.sd[j]);
  }
  return mean;
}

Prior make_prior(const ModelConfig& config, const PriorConfig& prior, const Design& design,
                 const DataSummary& summary) {
  const auto k = static_cast<std::size_t>(config.components);
  const std::size_t d = design.features.size();
  const double degrees = prior.degrees + static_cast<double>(d) - 1.0;
  std::vector<double> component(make_normal_wishart(d)->size());
  component[0] = 0.5 * (degrees - static_cast<double>(d));
  add_cluster(component, mean_of(design, summary), prior.strength,
              degrees * prior.component_sd * prior.component_sd / prior.strength);
  Prior all{.natural = std::vector<double>(k, prior.concentration - 1.0)};
  all.log_partition = make_dirichlet(k)->log_partition(all.natural) +
                      static_cast<double>(k) * make_normal_wishart(d)->log_partition(component);
  for (std::size_t i = 0; i < k; ++i) {
    all.natural.insert(all.natural.end(), component.begin(), component.end());
  }
  return all;
}

// That of no rows: the prior.
Posterior make_initial(const ModelConfig& config, const Design& design, const Prior& prior) {
  Posterior q;
  q.add_block("weights", make_dirichlet(static_cast<std::size_t>(config.components)));
  const auto family = make_normal_wishart(design.features.size());
  for (std::int64_t k = 1; k <= config.components; ++k) {
    q.add_block("component." + std::to_string(k), family);
  }
  std::ranges::copy(prior.natural, q.natural().begin());
  return q;
}

}  // namespace

GaussianMixtureModel::GaussianMixtureModel(const ModelConfig& config, const PriorConfig& prior,
                                           const Design& design, const DataSummary& summary,
                                           std::uint64_t seed)
    : LatentModel(make_prior(config, prior, design, summary),
                  make_initial(config, design, make_prior(config, prior, design, summary))),
      components_(static_cast<std::size_t>(config.components)),
      columns_(design.features.size()),
      seed_(seed) {}

std::size_t GaussianMixtureModel::rows_to_start_from() const {
  return mixture_start_rows(components_);
}

Posterior GaussianMixtureModel::start_from(const RowSample& rows) {
  return mixture_start(*this, rows, components_, seed_);
}

void GaussianMixtureModel::prepare(const Stream& stream, const Posterior& q) {
  const MixtureComponents found = MixtureComponents::expected(q);
  if (constant_.size() != components_ || constant_.device() != stream.device()) {
    constant_ = Buffer<double>(stream.device(), components_);
    means_ = Buffer<double>(stream.device(), found.means.size());
    factors_ = Buffer<double>(stream.device(), found.factors.size());
  }
  copy(stream, std::span<const double>(found.constant), constant_.span());
  copy(stream, std::span<const double>(found.means), means_.span());
  copy(stream, std::span<const double>(found.factors), factors_.span());
}

void GaussianMixtureModel::reserve(const Stream& stream, std::size_t rows) {
  if (loss_.size() >= rows && loss_.device() == stream.device()) return;
  responsibility_ = Buffer<double>(stream.device(), components_ * rows);
  loss_ = Buffer<double>(stream.device(), rows);
  gram_ = Buffer<double>(stream.device(), packed_size(columns_));
  counts_ = Buffer<double>(stream.device(), components_);
}

void GaussianMixtureModel::accumulate(const Stream& stream, const Batch& batch, Message& message) {
  const std::size_t n = batch.rows();
  reserve(stream, n);
  squared_distances(
      stream, batch.x,
      {{means_.data(), components_, columns_}, {factors_.data(), components_ * columns_, columns_}},
      {responsibility_.data(), components_, n});
  apply(stream,
        ResolveComponents{.components = components_,
                          .stride = n,
                          .constant = constant_.data(),
                          .row_weight = batch.weight.data(),
                          .distance = responsibility_.data(),
                          .loss = loss_.data()},
        n);

  std::vector<double> counts(components_);
  for (std::size_t k = 0; k < components_; ++k) {
    counts[k] = sum(stream, std::as_const(responsibility_).span().subspan(k * n, n));
  }
  copy(stream, std::span<const double>(counts), counts_.span());
  apply(stream, AddScaled{.scale = 1.0, .x = counts_.data(), .out = message.payload().data()},
        components_);
  const std::size_t size = make_normal_wishart(columns_)->size();
  for (std::size_t k = 0; k < components_; ++k) {
    add_component(stream, batch, k, message.payload().subspan(components_ + k * size, size));
  }
  message.count(stream, Message::kLoss, sum(stream, std::as_const(loss_).span().first(n)));
}

// [r / 2, -r / 2, X'r, -X' diag(r) X / 2 packed] with r the responsibilities of component k.
void GaussianMixtureModel::add_component(const Stream& stream, const Batch& batch, std::size_t k,
                                         std::span<double> payload) {
  const std::size_t n = batch.rows();
  const auto weight = std::as_const(responsibility_).span().subspan(k * n, n);
  apply(stream, AddScaled{.scale = 0.5, .x = counts_.data() + k, .out = payload.data()}, 1);
  apply(stream, AddScaled{.scale = -0.5, .x = counts_.data() + k, .out = payload.data() + 1}, 1);
  weighted_column_sum(stream, batch.x, weight, payload.subspan(2, columns_));
  apply(stream, Fill{0.0, gram_.data()}, gram_.size());
  weighted_gram(stream, batch.x, weight, gram_.span());
  apply(stream, AddPackedPrecision{gram_.data(), payload.subspan(2 + columns_).data()},
        gram_.size());
}

void GaussianMixtureModel::log_likelihood(const Batch& batch, MatrixView<const double> draws,
                                          std::span<double> sums) const {
  const Stream host;
  const std::size_t n = batch.rows();
  std::vector<double> distance(components_ * n), loss(n);
  for (std::size_t s = 0; s < draws.rows; ++s) {
    const auto at =
        MixtureComponents::at({draws.data + s * draws.stride, draws.cols}, components_, columns_);
    squared_distances(host, batch.x, at.metric(), {distance.data(), components_, n});
    apply(host,
          ResolveComponents{.components = components_,
                            .stride = n,
                            .constant = at.constant.data(),
                            .row_weight = batch.weight.data(),
                            .distance = distance.data(),
                            .loss = loss.data()},
          n);
    sums[s] -= sum(host, loss);
  }
}

}  // namespace bayesum
