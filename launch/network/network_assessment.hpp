#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "distributed/communicator.hpp"
#include "launch/other_data.hpp"
#include "launch/table.hpp"
#include "models/network/network_evaluation.hpp"
#include "models/network/open_network.hpp"

namespace bayesum {

// What a trained network is judged by.

// How well the network tells data of another kind from the held-out ones, as areas under the ROC
// curve: by the entropy of what it predicts, and by how small its largest probability is.
struct Separation {
  std::string path;
  double examples = 0;
  double entropy_at_mean = 0;
  double entropy_averaged = 0;
  double confidence_at_mean = 0;
  double confidence_averaged = 0;
};

struct NetworkFindings {
  NetworkDescription description;  // of the first run
  std::string network;             // what it is: "gpt2", "gpt2 with adapters of rank 8"
  std::size_t runs = 1;
  ExampleShape shape;
  std::string data;  // the held-out examples; empty: there are none, and no scores
  NetworkEvaluation scores;
  std::optional<Separation> separation;
};

struct NetworkQuestion {
  std::vector<std::filesystem::path> trained;  // run folders or posterior files, an ensemble
  OtherData data;                              // no path: the held-out data of its training
  std::filesystem::path other;                 // of another kind; empty: none
  std::int64_t draws = 16;                     // of each run; 0: its mean alone
  bool must_score = true;                      // Error(kUsage) where there are no held-out data
};

// Error(kUsage) for what says how to read data of another kind than the network learned from.
void check_other_data(const OtherData& data, const OpenNetwork& trained);

// Collective. Errors as open_network, open_held_out and check_alike.
NetworkFindings assess_network(const Stream& stream, Communicator& ranks,
                               const NetworkQuestion& question);

// "gpt2 trained by ivon for 1000 steps"
std::string headline(const std::string& network, const NetworkDescription& trained);
std::string headline(const NetworkFindings& found);
// The scores at the mean and averaged, and how they differ.
Table score_table(const NetworkFindings& found);
// Predicted against observed by bins of the largest probability; of classes.
Table reliability_table(const NetworkFindings& found);
std::string json(const NetworkFindings& found);

}  // namespace bayesum
