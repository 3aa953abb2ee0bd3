#pragma once

#include <cstdint>

#include "core/dataset.hpp"
#include "core/posterior.hpp"
#include "core/safetensors.hpp"
#include "core/trainer.hpp"
#include "models/make_model.hpp"

namespace bayesum {

// A trained posterior with everything needed to read other data through it: what a posterior file
// holds. The same bytes for any number of ranks: no time, host, path or rank count is in it.
struct TrainedModel {
  ModelConfig model;
  PriorConfig prior_config;
  DataConfig columns;  // response, offset, weight, categories and missing alone
  Design design;
  DataSummary summary;
  Posterior posterior;
  Prior prior;
  StepReport fit;  // ELBO, residual and step at the posterior; `seconds` is not kept
  std::uint64_t seed = 0;

  // Metadata, all text:
  //   format "bayesum-posterior", format_version "2", program "bayesum 0.1.0"
  //   model                       its name
  //   config                      TOML, the sections [model] and [prior]
  //   columns                     TOML, [data] response, offset, weight, categories, missing;
  //                               [design] intercept, one_hot
  //   inputs                      columns of the file that features are made of, one a line
  //   levels.K                    of the K-th of them (from 0) that is of categories, one a line
  //   classes                     of a response of categories, one a line
  //   family.B, dimension.B       of each block B
  //   seed, fingerprint           decimal; of the training data, 16 hexadecimal digits
  // Tensors:
  //   natural.B, prior.B          natural parameters, in the layout of the family
  //   mean.B, sd.B, covariance.B  for other readers, not read back: moments of coefficients or
  //                               probabilities on the design's scale; covariance of full
  //                               Gaussians alone
  //   prior.log_partition         see Prior
  //   design.mean, design.sd      one element per feature
  //   design.missing              likewise, where missing values are filled
  //   summary.mean, summary.sd    one per input of numbers and per level, see DataSummary
  //   summary.*, fit.*            one number each, the fields of DataSummary and StepReport
  TensorFile to_file() const;

  // Reads it back, bit for bit. Error(kFile) naming path and key when a part is missing, is not of
  // this format or version, has another shape than the model gives it, or is no proper posterior.
  static TrainedModel from_file(const TensorFile& file);
};

}  // namespace bayesum
