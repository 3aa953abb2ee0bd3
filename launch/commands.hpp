#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "kernels/error.hpp"
#include "launch/job.hpp"
#include "launch/other_data.hpp"

namespace bayesum {

// The commands of the program. Each is collective over the job, speaks on rank 0, throws Error
// where it cannot do what it should, and returns what the process exits with.

struct TrainOptions {
  std::filesystem::path config;
  std::vector<Override> overrides;
};
ExitCode train(const TrainOptions& options, Job& job);

// What a training of a network will take in memory, on the wire and in operations, before it is
// run; the number of ranks is run.ranks. On rank 0 alone.
ExitCode plan(const TrainOptions& options, Job& job);

// One line for each row of the data: mean, sd, central 90 % interval, and where the data have the
// response, the log of its density. Of a network, see launch/network/predict_network.hpp.
struct PredictOptions {
  std::filesystem::path trained;
  OtherData data;
  std::filesystem::path out = "predictions.csv";  // "-": stdout
  std::int64_t samples = 16;                      // of a network: draws of its weights
  std::string device = "cpu";                     // of a network
};
ExitCode predict(const PredictOptions& options, Job& job);

// Scores of held-out rows beside those of a baseline without features; and, given the rows of the
// training, how far the posterior is from the exact one, by importance sampling. Of a network, see
// launch/network/evaluate_network.hpp.
struct EvaluateOptions {
  std::vector<std::filesystem::path> trained;  // of networks several, averaged; otherwise one
  OtherData data;      // no path: no scores; of a network the held-out data of its training
  OtherData training;  // no path: no importance sampling
  std::int64_t draws = 1000;
  std::int64_t samples = 16;    // of a network: draws of its weights, of each run; 0: its mean
  std::filesystem::path other;  // of a network: data of another kind
  std::string device = "cpu";   // of a network
  bool json = false;
};
ExitCode evaluate(const EvaluateOptions& options, Job& job);

// One page of HTML that says what `inspect` and `evaluate` do, with pictures: what the posterior
// says, how it was trained, and, given the data for it, how well it predicts and how far it can be
// trusted.
struct ReportOptions {
  std::filesystem::path trained;
  OtherData data;
  OtherData training;
  std::int64_t draws = 1000;
  std::int64_t samples = 16;    // of a network: draws of its weights
  std::filesystem::path other;  // of a network: data of another kind
  std::filesystem::path out;    // empty: report.html in the run folder, or beside the posterior
};
ExitCode report(const ReportOptions& options, Job& job);

// A sum of posteriors, sites and the common prior, as a posterior file; see models/combination.hpp.
struct CombineOptions {
  std::vector<std::string> words;  // terms and the signs between them
  std::filesystem::path out;       // a folder, or a file by its suffix .safetensors
  bool allow_overlap = false;
};
ExitCode combine(const CombineOptions& options, Job& job);

// What a posterior file holds. Of a network, see launch/network/inspect_network.hpp.
struct InspectOptions {
  std::filesystem::path trained;
};
ExitCode inspect(const InspectOptions& options, Job& job);

// The mean of a trained GPT-2, and the standard deviations beside it, in a folder as Hugging Face's
// transformers opens it; see models/network/gpt2_files.hpp.
struct ExportOptions {
  std::filesystem::path trained;
  std::filesystem::path out;
};
ExitCode export_network(const ExportOptions& options, Job& job);

// Texts, one after the other, as files of tokens that a training reads: OUT/train.bin, OUT/val.bin,
// and OUT/characters.txt where tokens are characters. Between two texts stands the token that ends
// one, where the tokenizer has it.
struct TokenizeOptions {
  std::vector<std::filesystem::path> texts;
  std::filesystem::path out;
  std::string tokenizer = "gpt2";
  std::filesystem::path vocabulary;
  std::filesystem::path merges;
  std::string format = "llm.c";  // or nanogpt
  double validation = 0;         // the share of the bytes, at the end, that is held out
};
ExitCode tokenize(const TokenizeOptions& options, Job& job);

// A text by a trained language model, from the predictive distribution averaged over draws of its
// weights, told as it comes, and how much the draws disagree about it. Rank 0 works alone.
struct GenerateOptions {
  std::filesystem::path trained;
  std::string prompt = "\n";  // empty: the token that stands between texts
  std::int64_t tokens = 200;
  std::int64_t draws = 4;
  double temperature = 0.8;
  std::int64_t top_k = 0;
  std::int64_t seed = 1;
  bool show_disagreement = false;  // colours on a terminal, else marks
  std::filesystem::path json;      // a line for each token; empty: none
  std::string device = "cpu";
};
ExitCode generate(const GenerateOptions& options, Job& job);

// What this machine, its libraries and these ranks can do, and how fast they reduce.
struct DoctorOptions {
  std::vector<Override> overrides;
};
ExitCode doctor(const DoctorOptions& options, Job& job);

}  // namespace bayesum
