#pragma once

#include <filesystem>
#include <string>

#include "models/trained_model.hpp"

namespace bayesum {

// Rows that a posterior is to be tried on. What is empty is as it was in training.
struct OtherData {
  std::filesystem::path path;
  std::string format = "auto";
  std::string response;  // a column, or for an .npy table an .npy file
  std::string offset;
  std::string weight;
  std::string feature_names;
};

// How to read them: the columns that training read, by the parts they had there, and in their order
// those of a file that holds no names unless data.feature_names gives some. A part that was an
// .npy file of the training rows is of no use for others: without a new one the response and the
// weight are left empty, and an offset is Error(kUsage).
DataConfig config_of(const OtherData& data, const TrainedModel& trained);

// The same for the rows of the training itself, every part as it was there.
DataConfig config_of_training(const OtherData& data, const TrainedModel& trained);

}  // namespace bayesum
