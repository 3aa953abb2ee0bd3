#include "launch/network/evaluate_network.hpp"

#include <iostream>

#include "core/agree.hpp"
#include "kernels/error.hpp"
#include "launch/network/network_assessment.hpp"

namespace bayesum {
namespace {

void tell(const NetworkFindings& found) {
  const NetworkEvaluation& scores = found.scores;
  const auto whole = [](double count) { return static_cast<std::size_t>(count); };
  std::cout << headline(found) << "; " << found.data << ": "
            << (found.shape.is_tokens() ? counted(whole(scores.targets), "token") + " in " +
                                              counted(whole(scores.examples), "window")
                                        : counted(whole(scores.targets), "row"));
  if (found.separation) {
    std::cout << "; AUROC: " << found.separation->path << " told from them";
  }
  std::cout << "\n\n" << score_table(found).text();
  if (scores.classes) std::cout << "\n" << reliability_table(found).text();
}

}  // namespace

ExitCode evaluate_network(const EvaluateOptions& options, Job& job) {
  agree(job.ranks(), Stream(), [&] {
    if (options.training.path.empty()) return;
    throw Error(ExitCode::kUsage,
                "--training judges posteriors by importance sampling, which has no use for the "
                "weights of a network");
  });
  RunConfig run;
  run.device = options.device;
  run_on_ranks(job, run, [&](Communicator& ranks, const Stream& stream) {
    const NetworkFindings found = assess_network(
        stream, ranks, {options.trained, options.data, options.other, options.samples});
    if (ranks.rank() != 0) return;
    if (options.json) {
      std::cout << json(found) << "\n";
    } else {
      tell(found);
    }
    std::cout << std::flush;
  });
  return ExitCode::kDone;
}

}  // namespace bayesum
