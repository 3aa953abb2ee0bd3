#pragma once

#include <cstdint>

#include "core/data/dataset.hpp"
#include "core/files/safetensors.hpp"
#include "core/posterior.hpp"
#include "core/provenance.hpp"
#include "core/trainer.hpp"
#include "models/make_model.hpp"

namespace bayesum {

// A trained posterior with everything needed to read other data through it: what a posterior file
// holds. The same bytes for any number of ranks: no time, host, path or rank count is in it.
struct TrainedModel {
  ModelConfig model;
  PriorConfig prior_config;
  // Response, offset, weight, categories and missing, and the number of virtual shards, by which
  // the fingerprint of the data is taken.
  DataConfig columns;
  Design design;
  DataSummary summary;
  Posterior posterior;
  Prior prior;
  StepReport fit;  // ELBO, residual and step at the posterior; `seconds` is not kept
  std::uint64_t seed = 0;
  Sources sources = {};        // what the posterior has learned from
  Sources prior_sources = {};  // and, of that, what the prior had: of a posterior that it was

  // Metadata, all text:
  //   format "bayesum-posterior", format_version "3", program "bayesum 0.1.0"
  //   model                       its name
  //   config                      TOML, the sections [model] and [prior]
  //   columns                     TOML, [data] response, offset, weight, categories, missing,
  //                               virtual_shards; [design] intercept, one_hot
  //   inputs                      columns of the file that features are made of, one a line
  //   levels.K                    of the K-th of them (from 0) that is of categories, one a line
  //   classes                     of a response of categories, one a line
  //   blocks                      JSON, name and family of each block of lambda, in order
  //   family.B, dimension.B       of each block B
  //   seed, fingerprint           decimal; of the training data, 16 hexadecimal digits
  // Tensors:
  //   natural.B, prior.B          natural parameters, in the layout of the family
  //   mean.B, sd.B, covariance.B  for other readers, not read back: moments of every element of
  //                               theta, on the design's scale; covariance of full Gaussians alone
  //   log_partition.prior         see Prior
  //   design.mean, design.sd      one element per feature
  //   design.missing              likewise, where missing values are filled
  //   summary.mean, summary.sd    one per input of numbers and per level, see DataSummary
  //   summary.class_weight        one per class, if there are any
  //   summary.*, fit.*            one number each, the fields of DataSummary and StepReport
  //   data.shards                 XXH3 of every virtual shard of the training data, see hash_tensor
  //   sources, prior_sources      see write_sources
  TensorFile to_file() const;

  // Reads it back, bit for bit. Error(kFile) naming path and key when a part is missing, is not of
  // this format or version, has another shape than the model gives it, or is no proper posterior.
  static TrainedModel from_file(const TensorFile& file);
};

// The model that was trained, with its prior.
std::unique_ptr<Model> model_of(const TrainedModel& trained);

}  // namespace bayesum
