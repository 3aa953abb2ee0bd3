#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <string>

#include "models/regression/coefficients.hpp"
#include "tests/models/trained_job.hpp"

// Children's test scores and their mothers' (Gelman and Hill, 2007): kid_score ~ N(x'b, sigma),
// flat priors on b, half-Cauchy(2.5) on sigma, against means and sds of 10,000 draws of
// posteriordb's reference posteriors, which are known to about 0.01 sd and 0.7 %.
//
// Where sigma is far above 2.5, and here it is 18 +- 0.6, the half-Cauchy's density is proportional
// to sigma^-2. With tau = sigma^-2, d sigma / d tau ~ tau^(-3/2), that is tau tau^(-3/2) =
// tau^(-1/2) in tau: Gamma(1/2, 0). What is left out, the factor 1 / (1 + (2.5 / sigma)^2), moves
// sigma by its variance times 2 (2.5)^2 / sigma^3, 0.001 sd.
namespace bayesum {
namespace {

namespace fs = std::filesystem;

struct Reference {
  double mean = 0;
  double sd = 0;
};

// parameter,draws,mean,sd
std::map<std::string, Reference> read_reference(const fs::path& path) {
  std::ifstream file(path);
  std::map<std::string, Reference> reference;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::stringstream row(line);
    std::string name, draws, mean, sd;
    std::getline(std::getline(std::getline(std::getline(row, name, ','), draws, ','), mean, ','),
                 sd, ',');
    reference[name] = {std::stod(mean), std::stod(sd)};
  }
  return reference;
}

class Kidiq : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("BAYESUM_DATA_DIR");
    if (folder == nullptr || !fs::is_directory(fs::path(folder) / "posteriordb")) {
      GTEST_SKIP() << "needs posteriordb/ in the folder that BAYESUM_DATA_DIR names";
    }
    folder_ = fs::path(folder) / "posteriordb";
  }

  // The names of the coefficients in the order of the reference's beta[1], beta[2], ...
  void expect_reference(const std::string& posterior, const std::vector<std::string>& names) {
    constexpr double kFlat = std::numeric_limits<double>::infinity();
    testing::Job job;
    job.data.path = (folder_ / "kidiq.csv").string();
    job.data.response = "kid_score";
    job.data.features.assign(names.begin() + 1, names.end());
    job.model.name = "linear";
    job.prior.sd = job.prior.intercept_sd = kFlat;
    job.prior.shape = 0.5;
    job.prior.rate = 0.0;
    const auto outcome = testing::train_on_threads(job, GetParam());
    EXPECT_EQ(outcome.summary.rows, 434u);
    EXPECT_EQ(outcome.natural(), testing::train_on_threads(job, 1).natural());

    const auto reference = read_reference(folder_ / ("kidiq-" + posterior + ".csv"));
    ASSERT_EQ(reference.size(), names.size() + 1);
    const auto table = coefficients(testing::trained_model(job, outcome));
    ASSERT_EQ(table.size(), reference.size());
    for (std::size_t j = 0; j < names.size(); ++j) {
      EXPECT_EQ(table[j].name, names[j]);
      expect_close(table[j], reference.at("beta[" + std::to_string(j + 1) + "]"), 0.05);
    }
    EXPECT_EQ(table.back().name, "sigma");
    expect_close(table.back(), reference.at("sigma"), 0.1);
  }

 private:
  static void expect_close(const Coefficient& found, const Reference& reference, double sds) {
    SCOPED_TRACE(found.name);
    EXPECT_NEAR(found.mean, reference.mean, sds * reference.sd);
    EXPECT_NEAR(found.sd, reference.sd, 0.05 * reference.sd);
    RecordProperty(found.name + "_off_by_sds",
                   std::to_string((found.mean - reference.mean) / reference.sd));
    RecordProperty(found.name + "_sd_ratio", std::to_string(found.sd / reference.sd));
  }

  fs::path folder_;
};

TEST_P(Kidiq, ScoreByMothersIqIsTheReferencePosterior) {
  expect_reference("kidscore_momiq", {"intercept", "mom_iq"});
}

TEST_P(Kidiq, ScoreByMothersSchoolAndIqIsTheReferencePosterior) {
  expect_reference("kidscore_momhsiq", {"intercept", "mom_hs", "mom_iq"});
}

INSTANTIATE_TEST_SUITE_P(Ranks, Kidiq, ::testing::Values(1, 3));

}  // namespace
}  // namespace bayesum
