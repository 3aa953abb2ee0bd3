#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/config.hpp"
#include "core/examples/examples.hpp"
#include "core/examples/read_rows.hpp"
#include "core/examples/tokenizer.hpp"

namespace bayesum {

// Where the data of a network are: the section [data] of its configuration. Keys that DataConfig
// has too mean the same.
struct ExamplesConfig {
  std::string path;
  std::string format = "auto";
  std::string response;
  Strings features;
  std::string feature_names;
  std::string rows;
  std::string scaling = "auto";
  std::string tokenizer = "auto";
  std::string vocabulary;
  std::string merges;
  std::int64_t vocabulary_size = 0;
  std::int64_t context = 256;
  std::string validation;
  std::string validation_response;
  std::string validation_rows;
  double validation_share = 0;
  std::int64_t batch = 32;
  std::int64_t micro_steps = 1;
  std::int64_t virtual_shards = 1;

  void describe(Fields& fields);
  BatchShape batch_shape() const;
};

// What is read: tokens (texts and .bin files) or rows (images and tables)? By data.format, or by
// the end of data.path where that is auto.
bool reads_tokens(const ExamplesConfig& config);

struct ExampleSets {
  std::unique_ptr<Examples> training;
  std::unique_ptr<Examples> validation;        // none unless one is configured
  std::shared_ptr<const Tokenizer> tokenizer;  // of tokens, where the configuration names one
  RowDesign design;                            // of rows
};

// Opens what the configuration names. Local: every rank does it for itself and comes to the same.
// `response` says what a model of rows is to explain. Error(kUsage) for keys that do not go
// together, Error(kFile) for what cannot be read.
ExampleSets open_examples(const ExamplesConfig& config, Response response, std::uint64_t seed);
// Rows, by the design of an earlier training in place of data.scaling and one of their own.
ExampleSets open_examples(const ExamplesConfig& config, const RowDesign& design);

// The held-out data of the configuration alone, read by what training established; null: there are
// none. Errors as open_examples.
std::unique_ptr<Examples> open_validation_tokens(const ExamplesConfig& config,
                                                 const Tokenizer* tokenizer,
                                                 std::size_t vocabulary);
std::unique_ptr<Examples> open_validation_rows(const ExamplesConfig& config,
                                               const RowDesign& design);

// The tokenizer that the keys name; null for a .bin file without one.
std::shared_ptr<const Tokenizer> open_tokenizer(const ExamplesConfig& config);

}  // namespace bayesum
