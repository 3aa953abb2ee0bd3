#include <iostream>

#include "core/agree.hpp"
#include "core/files/atomic_file.hpp"
#include "core/run_folder.hpp"
#include "kernels/error.hpp"
#include "launch/assessment.hpp"
#include "launch/commands.hpp"
#include "launch/network/report_network.hpp"
#include "launch/page.hpp"
#include "launch/page_parts.hpp"
#include "launch/report.hpp"
#include "models/network/open_network.hpp"

namespace bayesum {
namespace {

namespace fs = std::filesystem;

fs::path beside(const fs::path& posterior, const char* name) {
  return posterior.parent_path() / name;
}

Findings read_run(const ReportOptions& options) {
  const fs::path path = posterior_path(options.trained);
  const TensorFile file = read_tensors(path);
  Findings findings;
  findings.title = path.string();
  findings.program = file.text("program");
  findings.date = html::today();
  findings.trained = TrainedModel::from_file(file);
  findings.steps = read_metrics(beside(path, "metrics.jsonl"));
  findings.held_out = options.data.path.string();
  findings.training = options.training.path.string();
  return findings;
}

}  // namespace

ExitCode report(const ReportOptions& options, Job& job) {
  Communicator& ranks = job.ranks();
  bool network = false;
  agree(ranks, Stream(), [&] { network = is_network_file(posterior_path(options.trained)); });
  if (network) return report_network(options, job);
  Findings findings;
  agree(ranks, Stream(), [&] { findings = read_run(options); });
  if (!options.data.path.empty() && has_latent_rows(findings.trained)) {
    findings.latent = score_latent_rows(findings.trained, options.data, ranks);
  } else if (!options.data.path.empty()) {
    findings.scores = score_held_out(findings.trained, options.data, ranks);
  }
  findings.cannot_judge = !options.training.path.empty() && !can_be_judged(findings.trained);
  if (!options.training.path.empty() && !findings.cannot_judge) {
    findings.psis = judge_posterior(findings.trained, options.training, options.draws, ranks);
  }
  agree(ranks, Stream(), [&] {
    if (ranks.rank() != 0) return;
    if (findings.scores) {
      findings.check = check_predictions(findings.trained, options.data,
                                         static_cast<std::size_t>(findings.scores->rows));
    }
    const fs::path out =
        options.out.empty() ? beside(posterior_path(options.trained), "report.html") : options.out;
    write_atomically(out, page(findings));
    std::cout << "wrote " << out.string() << std::endl;
  });
  return ExitCode::kDone;
}

}  // namespace bayesum
