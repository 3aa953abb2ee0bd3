#include "core/run_folder.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/core/files.hpp"

namespace bayesum {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

std::string refusal(const std::filesystem::path& path) {
  return path.string() +
         " holds a run: go on with it by --run.resume auto, start over by --run.overwrite true, "
         "or name another folder by --run.dir";
}

TEST(RunFolder, IsMadeWithItsParents) {
  const TemporaryFolder temporary;
  RunFolder folder(temporary.path() / "a" / "b", false, false);
  folder.begin("[run]\n");
  EXPECT_EQ(TemporaryFolder::read(folder.path() / "config.toml"), "[run]\n");
  EXPECT_TRUE(std::filesystem::is_directory(folder.checkpoints()));
}

TEST(RunFolder, MetricsAreALineOfJsonForEachStepWrittenAtOnce) {
  const TemporaryFolder temporary;
  RunFolder folder(temporary.path(), false, false);
  folder.begin("");
  StepReport report{.step = 3,
                    .elbo = -1.5,
                    .loss = 0.1,
                    .rows = 20,
                    .residual = 1e-9,
                    .rho = 0.5,
                    .backtracks = 2,
                    .seconds = 0.25};
  folder.write_metrics(metrics_json(report));
  report.elbo = std::numeric_limits<double>::quiet_NaN();
  report.estimate = true;
  folder.write_metrics(metrics_json(report));
  EXPECT_EQ(TemporaryFolder::read(temporary.path() / "metrics.jsonl"),
            "{\"step\":3,\"elbo\":-1.5,\"loss\":0.1,\"rows\":20.0,\"residual\":1e-09,\"rho\":0.5,"
            "\"backtracks\":2,\"seconds\":0.25,\"estimate\":false}\n"
            "{\"step\":3,\"elbo\":null,\"loss\":0.1,\"rows\":20.0,\"residual\":1e-09,\"rho\":0.5,"
            "\"backtracks\":2,\"seconds\":0.25,\"estimate\":true}\n");
}

TEST(RunFolder, MetricsAreReadBackByStepTheLastOfEach) {
  const TemporaryFolder temporary;
  RunFolder folder(temporary.path(), false, false);
  folder.begin("");
  const StepReport report{.step = 7,
                          .elbo = -1.0 / 3,
                          .loss = 0.1,
                          .rows = 20,
                          .residual = 1e-9,
                          .rho = 0.5,
                          .backtracks = 2,
                          .seconds = 0.25};
  for (const std::int64_t step : {0, 1, 2, 1, 7}) {
    StepReport other = report;
    other.step = step;
    other.loss = static_cast<double>(step);
    folder.write_metrics(metrics_json(other));
  }
  folder.write_metrics(metrics_json(report));
  const auto steps = read_metrics(temporary.path() / "metrics.jsonl");
  ASSERT_EQ(steps.size(), 4u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(steps[i].step, static_cast<std::int64_t>(i));
  EXPECT_EQ(steps[3].step, 7);
  EXPECT_EQ(steps[3].elbo, -1.0 / 3);
  EXPECT_EQ(steps[3].loss, 0.1);
  EXPECT_EQ(steps[3].residual, 1e-9);
  EXPECT_EQ(steps[3].rho, 0.5);
  EXPECT_EQ(steps[3].backtracks, 2);
  EXPECT_EQ(steps[3].seconds, 0.25);
}

TEST(RunFolder, LinesThatAreNoReportArePassedOver) {
  const TemporaryFolder temporary;
  const auto file = temporary.file(
      "metrics.jsonl",
      "{\"step\":0,\"elbo\":-3.5}\nnull\n[1]\n{\"step\":\"x\"}\n{\"step\":1.5}\n\n\xff\xfe\n"
      "{\"step\":1,\"elbo\":null,\"backtracks\":\"many\"}\n{\"step\":2,\"elbo\":-1");
  const auto steps = read_metrics(file);
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[0].elbo, -3.5);
  EXPECT_TRUE(std::isnan(steps[0].residual));
  EXPECT_TRUE(std::isnan(steps[1].elbo));
  EXPECT_EQ(steps[1].backtracks, 0);
  EXPECT_TRUE(read_metrics(temporary.path() / "none").empty());
}

TEST(RunFolder, AFolderWithoutPosteriorAndCheckpointsIsTaken) {
  const TemporaryFolder temporary;
  { RunFolder first(temporary.path(), false, false); }
  temporary.file("notes.txt", "mine");
  EXPECT_NO_THROW(RunFolder(temporary.path(), false, false));
}

TEST(RunFolder, ARunIsNotOverwrittenUnasked) {
  const TemporaryFolder temporary;
  { RunFolder first(temporary.path(), false, false); }
  temporary.file("posterior.safetensors", "x");
  EXPECT_EQ(error_of(ExitCode::kUsage, [&] { RunFolder(temporary.path(), false, false); }),
            refusal(temporary.path()));
  std::filesystem::remove(temporary.path() / "posterior.safetensors");
  temporary.file("checkpoints/step-000001.safetensors", "x");
  EXPECT_EQ(error_of(ExitCode::kUsage, [&] { RunFolder(temporary.path(), false, false); }),
            refusal(temporary.path()));
}

TEST(RunFolder, ResumeKeepsWhatIsThereAndOverwriteRemovesTheRunAlone) {
  const TemporaryFolder temporary;
  {
    RunFolder first(temporary.path(), false, false);
    first.begin("");
    first.write_metrics(metrics_json({}));
  }
  temporary.file("posterior.safetensors", "x");
  temporary.file("checkpoints/step-000001.safetensors", "x");
  temporary.file("notes.txt", "mine");

  for (const bool overwrite : {false, true}) {
    RunFolder resumed(temporary.path(), true, overwrite);
    resumed.begin("");
    EXPECT_TRUE(std::filesystem::exists(resumed.posterior()));
    EXPECT_NE(TemporaryFolder::read(temporary.path() / "metrics.jsonl"), "");
  }
  RunFolder fresh(temporary.path(), false, true);
  EXPECT_TRUE(std::filesystem::exists(fresh.posterior())) << "removed before training begins";
  fresh.begin("");
  EXPECT_FALSE(std::filesystem::exists(fresh.posterior()));
  EXPECT_TRUE(std::filesystem::is_empty(fresh.checkpoints()));
  EXPECT_EQ(TemporaryFolder::read(temporary.path() / "metrics.jsonl"), "");
  EXPECT_EQ(TemporaryFolder::read(temporary.path() / "notes.txt"), "mine");
}

TEST(RunFolder, AnUnwritablePlaceIsNamed) {
  const TemporaryFolder temporary;
  const auto below_a_file = temporary.file("file", "x") / "run";
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { RunFolder(below_a_file, false, false); }),
            "cannot write the run folder " + below_a_file.string() + ": Not a directory");
  const auto taken = temporary.path() / "taken";
  std::filesystem::create_directories(taken / "log.txt");
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { RunFolder(taken, false, false); }),
            "cannot write the run folder " + taken.string() + ": Is a directory");
}

}  // namespace
}  // namespace bayesum
