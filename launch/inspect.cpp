#include <algorithm>
#include <cmath>
#include <iostream>
#include <iterator>
#include <vector>

#include "core/agree.hpp"
#include "launch/commands.hpp"
#include "launch/network/inspect_network.hpp"
#include "launch/report.hpp"
#include "launch/table.hpp"
#include "models/network/open_network.hpp"

namespace bayesum {
namespace {

std::string facts(const TrainedModel& trained, const TensorFile& file) {
  const std::string blocks = blocks_text(trained.posterior);
  Table table({"file", file.path.string()});
  table.add({"written by", file.text("program")});
  table.add({"posterior", blocks});
  const auto all = [](const std::vector<double>& values, double value) {
    return std::ranges::count(values, value) == std::ssize(values);
  };
  const bool untouched = all(trained.design.mean, 0.0) && all(trained.design.sd, 1.0);
  table.add({"prior on", untouched ? "columns as they are" : "standardized columns"});
  const auto known = [](double value, int digits) {
    return std::isnan(value) ? "unknown" : rounded(value, digits);
  };
  table.add({"ELBO", known(trained.fit.elbo, 12)});
  table.add({"residual", known(trained.fit.residual, 3)});
  table.add({"steps", std::to_string(trained.fit.step)});
  table.add({"seed", std::to_string(trained.seed)});
  table.add(
      {"data", counted(trained.summary.rows, "row") + ", fingerprint " + file.text("fingerprint")});
  table.add({"learned from", counted(trained.sources.pieces().size(), "piece") + " of data, " +
                                 std::to_string(trained.prior_sources.pieces().size()) +
                                 " by its prior"});
  return table.text(Table::kLeft);
}

}  // namespace

ExitCode inspect(const InspectOptions& options, Job& job) {
  agree(job.ranks(), Stream(), [&] {
    if (job.ranks().rank() != 0) return;
    if (is_network_file(posterior_path(options.trained))) return inspect_network(options);
    const TensorFile file = read_tensors(posterior_path(options.trained));
    const TrainedModel trained = TrainedModel::from_file(file);
    std::cout << headline(trained) << "\n\n"
              << contraction_table(trained).text() << "\n"
              << facts(trained, file) << std::flush;
  });
  return ExitCode::kDone;
}

}  // namespace bayesum
