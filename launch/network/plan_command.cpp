#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include "core/agree.hpp"
#include "launch/commands.hpp"
#include "launch/machine.hpp"
#include "launch/network/plan.hpp"
#include "launch/table.hpp"

namespace bayesum {
namespace {

constexpr double kLibraries = 12 << 20;  // 10 MiB by oneDNN and OpenBLAS, 8 more between ranks

std::string whole(double value) { return std::to_string(static_cast<std::int64_t>(value)); }

std::string table_of(const std::string& title, const std::vector<Planned>& figures, bool bytes) {
  Table table({title, bytes ? "bytes" : "", "", ""});
  const auto readable = [&](double value) { return bytes ? bytes_text(value) : ""; };
  for (const Planned& figure : figures) {
    table.add({figure.what, whole(figure.value), readable(figure.value), figure.formula});
  }
  if (bytes) table.add({"in all", whole(total(figures)), readable(total(figures)), ""});
  return table.text(Table::kLeft);
}

void tell(const TrainOptions& options) {
  const NetworkTrainConfig config = load_network_config(options.config, options.overrides);
  const bool classes = config.model.likelihood == "classification";
  const ExampleSets sets = open_examples(config.data, classes ? Response::kClass : Response::kReal,
                                         static_cast<std::uint64_t>(config.run.seed));
  const Examples& examples = *sets.training;
  const double resident = resident_memory_bytes();
  const auto network = make_network(config.model, examples.shape());
  const ParameterSpace& parameters = network->parameters();
  NetworkPlan plan = plan_network(config, examples.shape(), examples.size(), parameters,
                                  static_cast<int>(config.run.ranks));
  plan.memory.push_back({"program and data", resident, "of this process, as it stands"});
  plan.memory.push_back({"libraries at work", kLibraries, "of products and MPI, measured"});
  std::cout << network->name() << " of " << parameters.count() << " parameters on "
            << counted(static_cast<std::size_t>(config.run.ranks), "rank")
            << ", n = " << parameters.size() << "\n\n"
            << table_of("parameters", plan.parameters, false) << "\n"
            << table_of("memory of a rank", plan.memory, true) << "\n"
            << table_of("on the wire in a step", plan.wire, true) << "\n"
            << table_of("work of a step", plan.work, false)
            << "\nn: elements of the vector of parameters; B: of a message, n or 2 n; R: ranks; "
               "V: virtual shards.\nBytes on the wire are the payload of rank 0's calls.\n"
            << std::flush;
}

}  // namespace

ExitCode plan(const TrainOptions& options, Job& job) {
  agree(job.ranks(), Stream(), [&] {
    if (job.ranks().rank() != 0) return;
    const std::string model = load_model_name(options.config, options.overrides);
    if (!is_network(model)) {
      throw Error(ExitCode::kUsage, options.config.string() + ": model.name = \"" + model +
                                        "\" is no network, of which alone there are plans");
    }
    tell(options);
  });
  return ExitCode::kDone;
}

}  // namespace bayesum
