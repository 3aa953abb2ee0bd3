#include "models/trained_model.hpp"

#include <gtest/gtest.h>

#include <unistd.h>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "kernels/error.hpp"
#include "models/prediction.hpp"
#include "tests/models/trained_examples.hpp"

namespace bayesum {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A path in a folder of its own, gone at the end.
class TrainedModelFile : public testing::Test {
 protected:
  TrainedModelFile()
      : folder_(std::filesystem::temp_directory_path() /
                ("bayesum-trained-model-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~TrainedModelFile() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path path(const std::string& name) const { return folder_ / name; }

  static std::string bytes(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::filesystem::path folder_;
};

TrainedModel unusual() {
  auto trained = examples::regression("poisson");
  trained.seed = std::numeric_limits<std::uint64_t>::max();
  trained.prior_config.intercept_sd = kInfinity;
  trained.prior_config.sd_of = {{"income, \"net\"", 0.1}, {"d\u00f8se", kInfinity}};
  trained.summary.response_rate = std::nextafter(0.1, 1.0);
  trained.fit.elbo = -kInfinity;
  trained.fit.backtracks = 3;
  trained.posterior.natural()[0] = std::nextafter(trained.posterior.natural()[0], 1e9);
  return trained;
}

std::vector<TrainedModel> all_kinds() {
  return {examples::regression("linear"),
          examples::regression("logistic"),
          examples::regression("logistic", "diagonal"),
          examples::regression("poisson", "diagonal"),
          examples::probabilities(),
          unusual()};
}

TEST_F(TrainedModelFile, ComesBackBitForBit) {
  for (const TrainedModel& trained : all_kinds()) {
    SCOPED_TRACE(trained.model.name + " " + trained.model.posterior);
    write_tensors(path("a"), trained.to_file());
    const auto read = TrainedModel::from_file(read_tensors(path("a")));
    write_tensors(path("b"), read.to_file());
    EXPECT_FALSE(bytes(path("a")).empty());
    EXPECT_EQ(bytes(path("a")), bytes(path("b")));

    ASSERT_EQ(read.posterior.size(), trained.posterior.size());
    for (std::size_t i = 0; i < read.posterior.size(); ++i) {
      EXPECT_EQ(read.posterior.natural()[i], trained.posterior.natural()[i]);
    }
    EXPECT_EQ(read.prior.natural, trained.prior.natural);
    EXPECT_EQ(read.design.features, trained.design.features);
    EXPECT_EQ(read.design.intercept, trained.design.intercept);
    EXPECT_EQ(read.design.mean, trained.design.mean);
    EXPECT_EQ(read.design.sd, trained.design.sd);
    EXPECT_EQ(read.columns.response, trained.columns.response);
    EXPECT_EQ(read.columns.offset, trained.columns.offset);
    EXPECT_EQ(read.design.inputs, inputs_of_numbers(trained.design.features));
    EXPECT_EQ(read.columns.virtual_shards, trained.columns.virtual_shards);
    EXPECT_EQ(read.prior_config.sd_of, trained.prior_config.sd_of);
    EXPECT_EQ(read.prior_config.intercept_sd, trained.prior_config.intercept_sd);
    EXPECT_EQ(read.summary.rows, trained.summary.rows);
    EXPECT_EQ(read.summary.fingerprint, trained.summary.fingerprint);
    EXPECT_EQ(read.summary.response_rate, trained.summary.response_rate);
    EXPECT_EQ(read.fit.elbo, trained.fit.elbo);
    EXPECT_EQ(read.fit.step, trained.fit.step);
    EXPECT_EQ(read.fit.backtracks, trained.fit.backtracks);
    EXPECT_EQ(read.seed, trained.seed);
  }
}

TEST_F(TrainedModelFile, DoesNotKeepTheTime) {
  auto trained = examples::regression("linear");
  const auto file = trained.to_file();
  trained.fit.seconds = 17.0;
  trained.columns.path = "elsewhere.csv";
  trained.columns.block_rows = 99;
  const auto other = trained.to_file();
  EXPECT_EQ(file.metadata, other.metadata);
  ASSERT_EQ(file.tensors.size(), other.tensors.size());
  for (const auto& [key, tensor] : file.tensors) {
    EXPECT_EQ(tensor.values, other.tensors.at(key).values) << key;
  }
}

TEST_F(TrainedModelFile, GivesMomentsToOtherReaders) {
  const examples::Moments q;
  const auto file = examples::regression("logistic").to_file();
  const auto& covariance = file.tensor("covariance.coefficients");
  EXPECT_EQ(covariance.shape, (std::vector<std::size_t>{4, 4}));
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(file.tensor("mean.coefficients").values[i], q.mean[i], 1e-14);
    EXPECT_NEAR(file.tensor("sd.coefficients").values[i], std::sqrt(covariance.values[5 * i]),
                1e-15);
    for (std::size_t j = 0; j < 4; ++j) {  // covariance times precision
      double product = 0;
      for (std::size_t k = 0; k < 4; ++k) {
        product += covariance.values[4 * i + k] * q.precision[4 * k + j];
      }
      EXPECT_NEAR(product, i == j ? 1.0 : 0.0, 1e-13);
    }
  }
  const auto beta = examples::probabilities().to_file();
  EXPECT_NEAR(beta.tensor("mean.probabilities").values[0], 13.0 / 43.5, 1e-15);
  const auto diagonal = examples::regression("poisson", "diagonal").to_file();
  EXPECT_NEAR(diagonal.tensor("sd.coefficients").values[1], 0.25, 1e-15);
  const auto linear = examples::regression("linear").to_file();
  EXPECT_NEAR(linear.tensor("mean.coefficients").values[3], 0.1, 1e-14);
}

struct Fault {
  std::string key;  // what the sentence must name
  std::function<void(TensorFile&)> make;
};

void replace(std::string& text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
}

std::vector<Fault> faults() {
  const auto text = [](const char* key, const char* value) {
    return Fault{key, [=](TensorFile& file) { file.metadata[key] = value; }};
  };
  const auto value = [](const char* key, std::size_t index, double number) {
    return Fault{key, [=](TensorFile& file) { file.tensors.at(key).values[index] = number; }};
  };
  const auto longer = [](const char* key) {
    return Fault{key, [=](TensorFile& file) {
                   ++file.tensors.at(key).shape[0];
                   file.tensors.at(key).values.push_back(1.0);
                 }};
  };
  return {
      text("format", "safetensors"),
      text("format_version", "1"),
      text("model", "logistic"),
      text("seed", "-1"),
      text("seed", ""),
      text("seed", "18446744073709551616"),
      text("fingerprint", "xyz"),
      text("family.coefficients", "diagonal-gaussian"),
      text("blocks", "[[\"coefficients\",\"diagonal-gaussian\"]]"),
      text("blocks", "[[\"coefficient\",\"gaussian\"]]"),
      text("blocks", "[[\"coefficients\",\"gaussian\"],[\"more\",\"gaussian\"]]"),
      text("blocks", "[[\"coefficients\",\"gaussian\"],[\"coefficients\",\"gaussian\"]]"),
      text("blocks", "[[\"coefficients\",3]]"),
      text("blocks", "[[\"coefficients\"]]"),
      text("blocks", "[\"coefficients\",\"gaussian\"]"),
      text("blocks", "[[[]]"),
      text("blocks", "[]"),
      {"blocks", [](TensorFile& file) { file.metadata["blocks"] = std::string(1 << 24, '['); }},
      {"natural.more",
       [](TensorFile& file) { file.tensors["natural.more"] = file.tensors["design.mean"]; }},
      text("dimension.coefficients", "5"),
      text("config", "[model"),
      text("config", "[model]\nname = 3\n"),
      text("config", "[model]\nnames = \"poisson\"\n"),
      {"config", [](TensorFile& file) { replace(file.metadata["config"], "poisson", "poisso"); }},
      {"config", [](TensorFile& file) { replace(file.metadata["config"], "sd = 2.5", "sd = -1"); }},
      {"columns", [](TensorFile& file) { replace(file.metadata["columns"], "true", "1"); }},
      {"design.mean", [](TensorFile& file) { replace(file.metadata["inputs"], "age\n", ""); }},
      {"inputs", [](TensorFile& file) { replace(file.metadata["inputs"], "age\n", "\n"); }},
      {"inputs", [](TensorFile& file) { replace(file.metadata["inputs"], "age", "d\u00f8se"); }},
      {"levels.0",
       [](TensorFile& file) {
         replace(file.metadata["columns"], "categories = []", "categories = [\"age\"]");
       }},
      value("design.mean", 1, kNaN),
      value("design.sd", 0, 0.0),
      value("design.sd", 2, kInfinity),
      value("prior.coefficients", 3, kNaN),
      value("natural.coefficients", 0, kNaN),
      value("natural.coefficients", 4, 7.0),   // a negative precision
      value("natural.coefficients", 5, -1e3),  // a correlation beyond one
      value("summary.rows", 0, -1.0),
      value("summary.rows", 0, 0.5),
      value("fit.step", 0, kNaN),
      longer("natural.coefficients"),
      longer("prior.coefficients"),
      longer("design.sd"),
      longer("summary.mean"),
      longer("summary.weight"),
      {"natural.coefficients", [](TensorFile& file) {
         auto& shape = file.tensors.at("natural.coefficients").shape;
         shape = {1, shape[0]};
       }}};
}

void expect_refusal(TensorFile file, const std::string& key) {
  file.path = "some/posterior.safetensors";
  try {
    TrainedModel::from_file(file);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    const std::string sentence = error.what();
    EXPECT_EQ(error.code(), ExitCode::kFile) << sentence;
    EXPECT_NE(sentence.find("some/posterior.safetensors"), std::string::npos) << sentence;
    EXPECT_NE(sentence.find(key), std::string::npos) << sentence;
    EXPECT_EQ(sentence.find('\n'), std::string::npos) << sentence;
  }
}

TEST_F(TrainedModelFile, RefusesWhatIsNoPosterior) {
  const auto whole = examples::regression("poisson").to_file();
  ASSERT_NO_THROW(TrainedModel::from_file(whole));
  std::size_t number = 0;
  for (const Fault& fault : faults()) {
    SCOPED_TRACE(testing::Message() << "fault " << number++ << " in " << fault.key);
    TensorFile file = whole;
    fault.make(file);
    expect_refusal(std::move(file), fault.key);
  }
}

TEST_F(TrainedModelFile, NamesEveryPartThatIsMissing) {
  const auto whole = examples::regression("linear").to_file();
  for (const auto& [key, text] : whole.metadata) {
    SCOPED_TRACE(key);
    if (key == "program") continue;  // for people
    TensorFile file = whole;
    file.metadata.erase(key);
    expect_refusal(std::move(file), key);
  }
  for (const auto& [key, tensor] : whole.tensors) {
    SCOPED_TRACE(key);
    if (key.starts_with("mean.") || key.starts_with("sd.")) continue;  // for other readers
    TensorFile file = whole;
    file.tensors.erase(key);
    expect_refusal(std::move(file), key);
  }
}

TEST_F(TrainedModelFile, PredictsTheSameBits) {
  const auto trained = examples::regression("logistic");
  const auto read = TrainedModel::from_file(trained.to_file());
  const std::vector<double> x = {1, 0.3, -1.2, 0.5, 1, -0.7, 0.1, 2.0};
  const Batch batch{{x.data(), 2, 4}, {}, {}, {}};
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(predict(trained, batch)[i].mean, predict(read, batch)[i].mean);
  }
}

}  // namespace
}  // namespace bayesum
