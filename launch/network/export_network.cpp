#include <filesystem>
#include <iostream>
#include <optional>
#include <system_error>

#include "core/agree.hpp"
#include "kernels/buffer.hpp"
#include "launch/commands.hpp"
#include "launch/report.hpp"
#include "models/network/adapter_files.hpp"
#include "models/network/gpt2_files.hpp"
#include "models/network/open_network.hpp"

namespace bayesum {
namespace {

void make_folder(const std::filesystem::path& folder) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (!problem) return;
  throw Error(ExitCode::kFile,
              "the folder " + folder.string() + " cannot be made: " + problem.message());
}

void write(const ExportOptions& options) {
  const std::filesystem::path file = posterior_path(options.trained);
  if (std::filesystem::exists(file) && !is_network_file(file)) {
    throw Error(ExitCode::kUsage, file.string() + " is not the posterior of a network");
  }
  const OpenNetwork trained = open_network(Stream(), file);
  if (trained.model.name != "gpt2") {
    throw Error(ExitCode::kUsage, file.string() + " is of model.name = \"" + trained.model.name +
                                      "\"; only \"gpt2\" has a format of Hugging Face's");
  }
  std::optional<std::int64_t> end;
  if (trained.tokenizer && trained.tokenizer->end_of_text()) {
    end = static_cast<std::int64_t>(*trained.tokenizer->end_of_text());
  }
  const Gpt2Shape shape = gpt2_config(trained.model, trained.shape).shape;
  make_folder(options.out);
  LowRank* const adapters = adapters_of(*trained.network);
  if (adapters == nullptr) {
    write_gpt2(options.out, shape, trained.mean.span(), trained.sd.span(), end);
  } else {
    write_gpt2(options.out, shape, adapters->adapted(Stream(), trained.mean.span()),
               adapters->adapted_sd(trained.mean.span(), trained.sd.span()), end);
    make_folder(options.out / "adapters");
    write_adapters(options.out / "adapters", *adapters, trained.mean.span());
  }
  const Network& whole = adapters == nullptr ? *trained.network : adapters->network();
  std::cout << "wrote " << (options.out / "model.safetensors").string() << " of "
            << whole.parameters().count() << " parameters, and sigma.safetensors"
            << (adapters == nullptr ? "" : "; and adapters alone, for PEFT, in adapters") << "\n";
}

}  // namespace

ExitCode export_network(const ExportOptions& options, Job& job) {
  agree(job.ranks(), Stream(), [&] {
    if (job.ranks().rank() == 0) write(options);
  });
  return ExitCode::kDone;
}

}  // namespace bayesum
