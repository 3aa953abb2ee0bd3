#include "models/regression/coefficient_prior.hpp"

#include <algorithm>
#include <string>

#include "core/nearest.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

void check_names(const char* table, const Numbers& numbers,
                 const std::vector<std::string>& columns) {
  for (const auto& [name, value] : numbers) {
    if (std::ranges::find(columns, name) == columns.end()) {
      throw Error(ExitCode::kUsage, std::string("prior.") + table + ": there is no column '" +
                                        name + "'; did you mean '" + nearest(name, columns) + "'?");
    }
  }
}

double value_or(const Numbers& numbers, const std::string& name, double otherwise) {
  const auto found = numbers.find(name);
  return found == numbers.end() ? otherwise : found->second;
}

}  // namespace

std::vector<CoefficientPrior> coefficient_priors(const PriorConfig& config, const Design& design,
                                                 double intercept_origin) {
  const std::vector<std::string> columns = design.column_names();
  check_names("mean_of", config.mean_of, columns);
  check_names("sd_of", config.sd_of, columns);
  std::vector<CoefficientPrior> priors;
  for (std::size_t j = 0; j < columns.size(); ++j) {
    const bool intercept = design.intercept && j == 0;
    const CoefficientPrior common =
        intercept ? CoefficientPrior{config.intercept_mean, config.intercept_sd}
                  : CoefficientPrior{config.mean, config.sd};
    priors.push_back(
        {value_or(config.mean_of, columns[j], common.mean) + (intercept ? intercept_origin : 0.0),
         value_or(config.sd_of, columns[j], common.sd)});
  }
  return priors;
}

}  // namespace bayesum
