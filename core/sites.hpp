#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/block_names.hpp"
#include "core/provenance.hpp"
#include "core/trainer.hpp"

namespace bayesum {

// What one piece of the data taught at the final posterior: its message in natural parameters. At
// the fixed point
//
//   lambda = lambda_prior + sum over sites,
//
// so that subtracting a site is forgetting its rows: exactly where the model is conjugate, and else
// to first order, which is where training on the rest may start.
struct Site {
  std::string name;                  // number of the virtual shard, or level of the group
  std::vector<double> natural = {};  // in the layout of lambda
  double rows = 0;
  double loss = 0;                // - E_q[log p(rows | theta)] at that posterior
  std::uint64_t fingerprint = 0;  // of a shard, its XXH3; of a group, that of data and name
};

struct Sites {
  std::string column;           // data.group; empty: by virtual shard
  std::uint64_t posterior = 0;  // XXH3 of lambda
  std::vector<Site> sites;
  BlockNames blocks = {};  // of lambda

  // Error(kUsage) naming the nearest when there is none of that name.
  const Site& site(const std::string& name) const;

  // A file of its own; see core/FORMAT.md. The same bytes for any number of ranks.
  TensorFile to_file() const;
  static Sites from_file(const TensorFile& file);  // Error(kFile)
};

// Collective: a pass over the data for each site, in which the model teaches from the rows of that
// site alone; by virtual shard where `column` is empty, else by the levels of data.group, which it
// names and that are learned from. Error(kNumerical) for a site that is not finite.
Sites gather_sites(const Trainer::Parts& parts, const Posterior& q, const DataSummary& summary,
                   const std::string& column);

std::uint64_t hash_of_natural(const Posterior& q);

}  // namespace bayesum
