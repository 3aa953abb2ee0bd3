#include "models/combination.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "core/block_names.hpp"
#include "core/files/hash.hpp"
#include "kernels/error.hpp"
#include "models/continuation.hpp"

namespace bayesum {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

[[noreturn]] void refuse(const std::string& sentence) { throw Error(ExitCode::kUsage, sentence); }

const Term& first_of_a_run(const std::vector<Term>& terms) {
  const auto found = std::ranges::find_if(terms, [](const Term& t) { return t.run != nullptr; });
  if (found == terms.end()) refuse("there is no posterior to combine");
  return *found;
}

std::string layout(const Posterior& q) {
  std::string text;
  for (const Block& block : q.blocks()) {
    text += (text.empty() ? "" : ", ") + block.name + ": " + block.family->name() + " of " +
            std::to_string(block.family->dimension());
  }
  return text;
}

// Components and topics are numbered as training found them, so those of two trainings do not
// correspond.
void check_numbering(const std::vector<Term>& terms) {
  const Term& first = first_of_a_run(terms);
  const std::string& model = first.run->model.name;
  if (model != "gaussian-mixture" && model != "lda") return;
  const auto of_another_training = [&](const Term& term) {
    return term.run != nullptr &&
           !std::ranges::equal(term.run->posterior.natural(), first.run->posterior.natural());
  };
  if (std::ranges::any_of(terms, of_another_training)) {
    refuse("component 1 of one " + model +
           " training is not component 1 of another: let the second begin from the first "
           "(prior.posterior), which learns from both");
  }
}

// Are the lambda of both points of one space, under one prior?
void check_same_space(const Term& a, const Term& b) {
  const std::string both = a.name + " and " + b.name + " cannot be combined: ";
  const TrainedModel &x = *a.run, &y = *b.run;
  const std::string of_model = difference(x.model, y.model);
  if (!of_model.empty()) refuse(both + of_model);
  if (layout(x.posterior) != layout(y.posterior)) {
    refuse(both + "their blocks are " + layout(x.posterior) + " and " + layout(y.posterior));
  }
  if (x.columns.response != y.columns.response || x.columns.offset != y.columns.offset ||
      x.columns.weight != y.columns.weight) {
    refuse(both + "their response, offset or weight are other columns");
  }
  const std::string of_design = difference(x.design, y.design);
  if (!of_design.empty()) {
    refuse(both + of_design + " (train the second with prior.like = the first)");
  }
  if (x.prior.natural != y.prior.natural || x.prior_sources != y.prior_sources) {
    refuse(both + "their priors differ (train the second with prior.like = the first)");
  }
}

void check_sites(const Term& term) {
  if (term.site == nullptr) return;
  if (term.sites->posterior != hash_of_natural(term.run->posterior) ||
      term.sites->blocks != block_names(term.run->posterior) ||
      term.site->natural.size() != term.run->posterior.size()) {
    refuse("the sites of " + term.name + " are of another posterior than the one beside them");
  }
}

void check_prior(const std::vector<Term>& terms) {
  std::int64_t count = 0;
  for (const Term& term : terms) count += term.site == nullptr ? term.sign : 0;
  if (count == 1) return;
  const std::int64_t more = std::abs(count - 1);
  refuse("the sum holds the prior " + std::to_string(count) +
         " times where once is right: " + (count > 1 ? "subtract" : "add") + " `prior` " +
         (more == 1 ? "once" : std::to_string(more) + " times"));
}

// What the data of a site or posterior, or of the common prior, are made of.
Sources sources_of(const Term& term, const TrainedModel& common) {
  if (term.run == nullptr) return common.prior_sources;
  if (term.site == nullptr) return term.run->sources;
  const std::uint64_t no_rows = hash_of({});
  Sources sources;
  if (term.sites->column.empty()) {
    const std::uint64_t shard = term.site->fingerprint;
    if (shard == no_rows) return sources;
    // With the groups that were left out of it.
    for (const auto& [piece, times] : term.run->sources.pieces()) {
      if (piece.shard == shard) sources.add(piece, piece.column.empty() ? 1 : times);
    }
    return sources;
  }
  for (const std::uint64_t shard : term.run->summary.shards) {
    if (shard != no_rows) sources.add({shard, term.sites->column, term.site->name}, 1);
  }
  return sources;
}

Sources check_sources(const std::vector<Term>& terms, const TrainedModel& common,
                      bool allow_overlap) {
  Sources total;
  std::vector<Sources> added;
  std::map<std::uint64_t, std::int64_t> most;  // times that one added term holds rows of a shard
  for (const Term& term : terms) {
    const Sources sources = sources_of(term, common);
    total.add(sources, term.sign);
    if (term.sign < 0) continue;
    for (const auto& [shard, extent] : sources.extents()) {
      most[shard] = std::max(most[shard], extent.most);
    }
    added.push_back(sources);
  }
  const auto is_of_one = [&](std::uint64_t shard) {
    return std::ranges::any_of(added,
                               [&](const Sources& one) { return total.agrees_with(one, shard); });
  };
  std::size_t twice = 0;
  for (const auto& [shard, extent] : total.extents()) {
    if (extent.least < 0) {
      refuse(
          "the sum takes away data that are not in it, or takes them away twice: a site can be "
          "subtracted once, from posteriors that have learned from it");
    }
    if (extent.most > most[shard] || (extent.by_two_columns && !is_of_one(shard))) ++twice;
  }
  if (twice > 0 && !allow_overlap) {
    refuse("the terms of the sum share data, " + std::to_string(twice) +
           (twice == 1 ? " virtual shard" : " virtual shards") +
           " of them, which would count twice: subtract what they share, or say --allow-overlap");
  }
  return total;
}

// The log-likelihood's part that does not depend on theta, of a conjugate model.
double log_base(const Term& term, const Prior& prior) {
  if (term.run == nullptr) return 0;
  const Posterior& q = term.run->posterior;
  if (term.site == nullptr) {
    return term.run->fit.elbo - (q.log_partition() - prior.log_partition);
  }
  const std::vector<double> mean = q.mean();
  const std::vector<double>& site = term.site->natural;
  return -std::inner_product(mean.begin(), mean.end(), site.begin(), term.site->loss);
}

bool is_conjugate(const TrainedModel& trained) {
  return make_model(trained.model, trained.prior_config, trained.design, trained.summary)
             ->conjugacy() == Conjugacy::kFull;
}

StepReport fit_of(const std::vector<Term>& terms, const TrainedModel& sum, double rows) {
  StepReport fit{.elbo = kUnknown, .loss = kUnknown, .rows = rows, .residual = kUnknown};
  if (!is_conjugate(sum)) return fit;
  fit.elbo = sum.posterior.log_partition() - sum.prior.log_partition;
  for (const Term& term : terms) {
    fit.elbo += static_cast<double>(term.sign) * log_base(term, sum.prior);
  }
  fit.loss = elbo(sum.posterior, sum.prior, 0.0) - fit.elbo;
  fit.residual = 0;
  return fit;
}

// Sums of the weights and moments of terms, and what they mean.
struct Pool {
  double rows = 0, weight = 0, response = 0, squared_response = 0, exposure = 0;
  std::vector<double> first, second, classes;

  void add(const Term& term) {
    if (term.run == nullptr) return;
    const DataSummary& data = term.run->summary;
    const double share =
        term.site == nullptr ? 1.0 : term.site->rows / static_cast<double>(data.rows);
    const double w = static_cast<double>(term.sign) * share * data.weight;
    rows += static_cast<double>(term.sign) *
            (term.site == nullptr ? static_cast<double>(data.rows) : term.site->rows);
    weight += w;
    const auto square = [](double mean, double sd) { return mean * mean + sd * sd; };
    response += w * data.response_mean;
    squared_response += w * square(data.response_mean, data.response_sd);
    if (data.response_rate > 0) exposure += w * data.response_mean / data.response_rate;
    first.resize(data.mean.size());
    second.resize(data.mean.size());
    classes.resize(data.class_weight.size());
    for (std::size_t c = 0; c < classes.size(); ++c) {
      classes[c] += static_cast<double>(term.sign) * share * data.class_weight[c];
    }
    for (std::size_t j = 0; j < first.size(); ++j) {
      first[j] += w * data.mean[j];
      second[j] += w * square(data.mean[j], data.sd[j]);
    }
  }

  DataSummary summary(DataSummary like) const {
    like.rows = static_cast<std::uint64_t>(std::max(rows, 0.0));
    like.weight = weight;
    like.shards.clear();
    like.class_weight = classes;
    if (!(weight > 0)) return like;
    const auto sd = [this](double squares, double mean) {
      return std::sqrt(std::max(0.0, squares / weight - mean * mean));
    };
    like.response_mean = response / weight;
    like.response_sd = sd(squared_response, like.response_mean);
    if (exposure > 0) like.response_rate = response / exposure;
    for (std::size_t j = 0; j < first.size(); ++j) {
      like.mean[j] = first[j] / weight;
      const double found = sd(second[j], like.mean[j]);
      like.sd[j] = found > 0 ? found : 1.0;
    }
    return like;
  }
};

void check_proper(const Posterior& q) {
  for (const Block& block : q.blocks()) {
    if (block.family->proper(q.natural(block))) continue;
    throw Error(ExitCode::kNumerical, "the sum is no posterior: its block '" + block.name + "' (" +
                                          block.family->name() +
                                          ") is not proper, more is taken away than is known");
  }
}

// What was learned from has a fingerprint in place of the data's.
std::uint64_t hash_of_sources(const Sources& sources) {
  Hash hash;
  for (const auto& [piece, times] : sources.pieces()) {
    const std::string line = hash_text(piece.shard) + group_text(piece.column, piece.level) +
                             std::to_string(times) + "\n";
    hash.add(std::as_bytes(std::span(line)));
  }
  return hash.value();
}

}  // namespace

TrainedModel combine(const std::vector<Term>& terms, bool allow_overlap) {
  const Term& first = first_of_a_run(terms);
  for (const Term& term : terms) {
    if (term.run == nullptr) continue;
    check_same_space(first, term);
    check_sites(term);
  }
  check_numbering(terms);
  check_prior(terms);
  TrainedModel sum = *first.run;
  sum.sources = check_sources(terms, sum, allow_overlap);
  std::ranges::fill(sum.posterior.natural(), 0.0);
  Pool pool;
  for (const Term& term : terms) {
    std::span<const double> natural = sum.prior.natural;
    if (term.site != nullptr) {
      natural = term.site->natural;
    } else if (term.run != nullptr) {
      natural = std::as_const(term.run->posterior).natural();
    }
    const auto sign = static_cast<double>(term.sign);
    for (std::size_t i = 0; i < natural.size(); ++i)
      sum.posterior.natural()[i] += sign * natural[i];
    pool.add(term);
  }
  check_proper(sum.posterior);
  sum.summary = pool.summary(sum.summary);
  sum.summary.fingerprint = hash_of_sources(sum.sources);
  sum.seed = 0;
  sum.fit = fit_of(terms, sum, pool.rows);
  return sum;
}

}  // namespace bayesum
