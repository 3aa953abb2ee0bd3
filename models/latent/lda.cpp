#include "models/latent/lda.hpp"

#include <algorithm>

#include "core/families/dirichlet.hpp"
#include "core/families/special.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "kernels/random.hpp"
#include "models/latent/sparse_rows.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kWordsAtOnce = 256;

Prior make_prior(const ModelConfig& config, const PriorConfig& prior, std::size_t words) {
  const double eta = prior.topic_concentration;
  const auto v = static_cast<double>(words), k = static_cast<double>(config.topics);
  return {
      .natural = std::vector<double>(words * static_cast<std::size_t>(config.topics), eta - 1.0),
      .log_partition = k * (v * special::log_gamma(eta) - special::log_gamma(v * eta))};
}

Posterior make_initial(const ModelConfig& config, const PriorConfig& prior,
                       const DataSummary& summary, std::uint64_t seed) {
  const std::size_t words = summary.mean.size();
  if (words < 2) {
    throw Error(ExitCode::kUsage,
                "topics need two words at least, and the data have " + std::to_string(words));
  }
  Posterior q;
  const auto family = make_dirichlet(words);
  for (std::int64_t k = 1; k <= config.topics; ++k) {
    q.add_block("topic." + std::to_string(k), family);
  }
  std::vector<double> noise(words);
  for (const Block& block : q.blocks()) {
    const auto natural = q.natural().subspan(block.first, words);
    fill_uniform(Stream(), {.seed = seed, .draw = static_cast<std::uint32_t>(block.first / words)},
                 0, std::span(noise));
    const double share = summary.weight / static_cast<double>(config.topics);
    for (std::size_t w = 0; w < words; ++w) {
      natural[w] = prior.topic_concentration + share * summary.mean[w] * (0.5 + noise[w]) - 1.0;
    }
  }
  return q;
}

}  // namespace

LdaModel::LdaModel(const ModelConfig& config, const PriorConfig& prior, const Design& design,
                   const DataSummary& summary, std::uint64_t seed)
    : LatentModel(make_prior(config, prior, design.features.size()),
                  make_initial(config, prior, summary, seed)),
      config_(config),
      prior_config_(prior) {}

void LdaModel::prepare(const Stream& stream, const Posterior& q) {
  if (stream.on_cuda()) {
    throw Error(ExitCode::kDevice, "the model lda runs on the CPU: set run.device = \"cpu\"");
  }
  topics_.emplace(q, config_, prior_config_);
}

void LdaModel::accumulate(const Stream& stream, const Batch& batch, Message& message) {
  const std::size_t words = topics_->words(), topics = topics_->count();
  counts_.assign(words * topics, 0.0);
  const SparseRows documents(batch);
  LdaPass pass = topics_->pass(documents.view());
  pass.weight = batch.weight;
  pass.counts = {counts_.data(), words, topics};
  pass.loss = message.loss();
  lda_pass(stream, pass);
  double* const payload = message.payload().data();
  cpu::parallel_ranges(words, kWordsAtOnce, [&](std::size_t begin, std::size_t end) {
    for (std::size_t k = 0; k < topics; ++k) {
      for (std::size_t w = begin; w < end; ++w) {
        payload[k * words + w] += counts_[w * topics + k];
      }
    }
  });
}

}  // namespace bayesum
