#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

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
  NetworkDescription description;
  std::string network;  // what it is: "gpt2", "gpt2 with adapters of rank 8"
  ExampleShape shape;
  std::string data;  // the held-out examples; empty: there are none, and no scores
  NetworkEvaluation scores;
  std::optional<Separation> separation;
};

struct NetworkQuestion {
  std::filesystem::path trained;  // run folder or posterior file
  OtherData data;                 // no path: the held-out data of its training
  std::filesystem::path other;    // of another kind; empty: none
  std::int64_t draws = 16;
  bool must_score = true;  // Error(kUsage) where there are no held-out data
};

// Collective. Errors as open_network and open_held_out.
NetworkFindings assess_network(const Stream& stream, Communicator& ranks,
                               const NetworkQuestion& question);

// "gpt2 trained by ivon for 1000 steps"
std::string headline(const NetworkFindings& found);
// The scores at the mean and averaged, and how they differ.
Table score_table(const NetworkFindings& found);
// Predicted against observed by bins of the largest probability; of classes.
Table reliability_table(const NetworkFindings& found);
std::string json(const NetworkFindings& found);

}  // namespace bayesum
