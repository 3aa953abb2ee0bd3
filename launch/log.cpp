#include "launch/log.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

// Errors reach the user as the sentence that the program ends with, so stderr has warnings alone.
class WarningsToStderr final : public spdlog::sinks::stderr_sink_mt {
  using Base = spdlog::sinks::stderr_sink_mt;

 public:
  void log(const spdlog::details::log_msg& message) override {
    if (message.level == spdlog::level::warn) Base::log(message);
  }
};

}  // namespace

std::shared_ptr<spdlog::logger> make_log(const std::filesystem::path& file,
                                         const std::string& level, int rank) {
  const std::string who = "rank " + std::to_string(rank);
  const auto console = std::make_shared<WarningsToStderr>();
  console->set_pattern(rank == 0 ? "bayesum: warning: %v" : "bayesum: " + who + ": warning: %v");
  auto log = std::make_shared<spdlog::logger>("bayesum", console);
  log->set_level(rank == 0 ? spdlog::level::from_str(level) : spdlog::level::warn);
  try {
    const auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string());
    sink->set_pattern("%Y-%m-%d %H:%M:%S.%e %l " + who + ": %v");
    log->sinks().push_back(sink);
  } catch (const spdlog::spdlog_ex& problem) {
    if (rank == 0) throw Error(ExitCode::kFile, problem.what());
  }
  log->flush_on(spdlog::level::info);
  return log;
}

}  // namespace bayesum
