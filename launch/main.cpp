#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>
#include <limits>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "kernels/error.hpp"
#include "launch/commands.hpp"
#include "launch/network/network_config.hpp"
#include "launch/signals.hpp"

namespace bayesum {
namespace {

constexpr std::chrono::seconds kPatience{2};

struct Arguments {
  std::vector<std::string> plain;
  std::vector<Override> overrides;
};

// Takes every `--key value` and `--key=value` out of the arguments of a command that is configured.
// A flag of true or false without a value is true.
Arguments split(int argc, char** argv) {
  Arguments arguments;
  const std::string command = argc > 1 ? argv[1] : "";
  const bool configured = command == "train" || command == "plan" || command == "doctor";
  TrainConfig table;
  NetworkTrainConfig network;
  Fields of_tables, of_networks;
  table.describe(of_tables);
  network.describe(of_networks);
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (!configured || !argument.starts_with("--") || argument == "--help") {
      arguments.plain.push_back(argument);
      continue;
    }
    const std::size_t equals = argument.find('=');
    if (equals != std::string::npos) {
      arguments.overrides.push_back({argument.substr(2, equals - 2), argument.substr(equals + 1)});
    } else if (i + 1 < argc && !std::string_view(argv[i + 1]).starts_with("--")) {
      arguments.overrides.push_back({argument.substr(2), argv[++i]});
    } else if (is_switch(argument.substr(2), of_tables) ||
               is_switch(argument.substr(2), of_networks)) {
      arguments.overrides.push_back({argument.substr(2), "true"});
    } else {
      throw Error(ExitCode::kUsage, argument + " needs a value");
    }
  }
  return arguments;
}

std::string help_of_keys() {
  TrainConfig defaults;
  NetworkTrainConfig network_defaults;
  Fields fields, of_networks;
  defaults.describe(fields);
  network_defaults.describe_own(of_networks);
  return "Keys, in the file as `key = value` under their [section], or as flags, which win:\n\n" +
         help_text(fields) + "\nA network (" + of_networks.find("model.name")->bound_text() +
         ") has the same [coordinator] and [run], and:\n\n" + help_text(of_networks) +
         "\nA flag without a section is one of [run]: --resume auto. An entry of a table is\n"
         "--prior.sd_of.NAME 1.0; a list is --data.features a,b,c; --overwrite alone is true. A\n"
         "value that begins with -- is written --data.response=--x.";
}

// The program's commands and options; the callback of the one that was asked for sets the code.
class CommandLine {
 public:
  explicit CommandLine(Job& job) : job_(job) {
    app_.set_version_flag("--version", "bayesum " BAYESUM_VERSION);
    app_.require_subcommand(1);
    app_.footer(
        "Training over two ranks: mpirun -np 2 bayesum train CONFIG\n"
        "`bayesum COMMAND --help` says more; `bayesum train --help` lists every key.");
    add_train();
    add_plan();
    add_predict();
    add_evaluate();
    add_report();
    add_combine();
    add_inspect();
    add_export();
    add_tokenize();
    add_generate();
    add_doctor();
  }

  ExitCode run(Arguments arguments) {
    train_.overrides = arguments.overrides;
    doctor_.overrides = arguments.overrides;
    std::vector<std::string> reversed(arguments.plain.rbegin(), arguments.plain.rend());
    try {
      app_.parse(std::move(reversed));
    } catch (const CLI::Success& asked) {
      if (job_.ranks().rank() == 0) app_.exit(asked, std::cout, std::cout);
      return ExitCode::kDone;
    } catch (const CLI::ParseError& problem) {
      throw Error(ExitCode::kUsage, std::string(problem.what()) + "; see bayesum --help");
    }
    return command_();
  }

 private:
  CLI::App* add(const std::string& name, const std::string& help,
                const std::function<ExitCode()>& command) {
    CLI::App* sub = app_.add_subcommand(name, help);
    sub->callback([this, command] { command_ = command; });
    return sub;
  }

  static CLI::Option* add_other_data(CLI::App* sub, OtherData& data, const std::string& what) {
    CLI::Option* path =
        sub->add_option("--data", data.path, what + ": CSV, libsvm or .npy, packed by gzip or not");
    sub->add_option("--format", data.format,
                    "csv, libsvm, npy or whitespace, of networks text, tokens or idx too, where "
                    "--data does not tell")
        ->check(
            CLI::IsMember({"auto", "csv", "libsvm", "npy", "whitespace", "text", "tokens", "idx"}));
    sub->add_option("--response", data.response, "its column or .npy file, if not as in training");
    sub->add_option("--offset", data.offset, "likewise");
    sub->add_option("--weight", data.weight, "likewise");
    sub->add_option("--feature-names", data.feature_names,
                    "file with the names of libsvm or .npy columns, one a line");
    return path;
  }

  void add_train() {
    CLI::App* sub = add("train", "Train a posterior as a configuration file says",
                        [this] { return train(train_, job_); });
    sub->add_option("CONFIG", train_.config, "configuration, a TOML file")->required();
    sub->footer(help_of_keys());
  }

  void add_plan() {
    CLI::App* sub =
        add("plan", "Say what a training of a network will take: memory, wire, operations",
            [this] { return plan(train_, job_); });
    sub->add_option("CONFIG", train_.config, "configuration, a TOML file")->required();
    sub->footer("Takes the flags of train, and the number of ranks by --ranks R (default 2).");
  }

  void add_predict() {
    CLI::App* sub = add("predict", "Predict the response of every row of a table",
                        [this] { return predict(predict_, job_); });
    sub->add_option("RUN", predict_.trained, "run folder or posterior file")->required();
    add_other_data(sub, predict_.data, "rows with the features")->required();
    sub->add_option("--out", predict_.out, "CSV file to write; - for standard output")
        ->capture_default_str();
    add_samples(sub, predict_.samples, 1);
    add_device(sub, predict_.device);
  }

  void add_evaluate() {
    CLI::App* sub = add(
        "evaluate", "Score held-out rows, and tell how far the posterior can be trusted", [this] {
          read_alike(evaluate_.data, evaluate_.training);
          return evaluate(evaluate_, job_);
        });
    sub->add_option("RUN", evaluate_.trained,
                    "run folder or posterior file; of networks several, an ensemble")
        ->required();
    add_other_data(sub, evaluate_.data, "held-out rows to score");
    add_training(*sub, evaluate_.training, evaluate_.draws);
    add_samples(sub, evaluate_.samples, 0,
                "of a network: draws of its weights, of each run; 0: its mean alone");
    add_other_kind(sub, evaluate_.other);
    add_device(sub, evaluate_.device);
    sub->add_flag("--json", evaluate_.json, "for programs");
    sub->footer(
        "Of a network --data is by default what its training held out; images want their labels\n"
        "in --response. Several runs, say of one configuration and several seeds, are judged as\n"
        "one: by their predictions averaged, beside the mean of the first alone.");
  }

  static void add_samples(CLI::App* sub, std::int64_t& samples, int least,
                          const std::string& what = "of a network: draws of its weights") {
    sub->add_option("--samples", samples, what)
        ->check(CLI::Range(least, 1 << 20))
        ->capture_default_str();
  }

  static void add_other_kind(CLI::App* sub, std::filesystem::path& other) {
    sub->add_option("--ood", other,
                    "of a network: data of another kind, which it should be unsure of");
  }

  static void add_device(CLI::App* sub, std::string& device) {
    sub->add_option("--device", device, "of a network: cpu or cuda")
        ->check(CLI::IsMember({"cpu", "cuda"}))
        ->capture_default_str();
  }

  void add_report() {
    CLI::App* sub =
        add("report", "Write one HTML page of what a posterior says, with pictures", [this] {
          read_alike(report_.data, report_.training);
          return report(report_, job_);
        });
    sub->add_option("RUN", report_.trained, "run folder or posterior file")->required();
    add_other_data(sub, report_.data, "held-out rows to score");
    add_training(*sub, report_.training, report_.draws);
    add_samples(sub, report_.samples, 1);
    add_other_kind(sub, report_.other);
    sub->add_option("--out", report_.out, "HTML file to write (default RUN/report.html)");
  }

  static void add_training(CLI::App& command, OtherData& training, std::int64_t& draws) {
    command.add_option("--training", training.path,
                       "the rows of the training, to tell how far the posterior can be trusted");
    command.add_option("--draws", draws, "draws to tell it by")->capture_default_str();
  }

  // The rows of the training are in the format of the held-out ones; their parts training knew.
  static void read_alike(const OtherData& data, OtherData& training) {
    training.format = data.format;
    training.feature_names = data.feature_names;
  }

  void add_combine() {
    CLI::App* sub = add("combine", "Add and subtract posteriors, sites and their common prior",
                        [this] { return combine(combine_, job_); });
    sub->add_option("TERMS", combine_.words,
                    "RUN, RUN:SITE (a virtual shard's number or a group) or prior, with + and -")
        ->required();
    sub->add_option("--out", combine_.out, "run folder or .safetensors file to write")->required();
    sub->add_flag("--allow-overlap", combine_.allow_overlap,
                  "count data twice that several terms have learned from");
    sub->footer(
        "The sum must hold the prior once. What two runs of one prior know together:\n"
        "  bayesum combine runs/a + runs/b - prior --out runs/ab\n"
        "A run without what virtual shard 3 taught it (train with --keep-sites shards):\n"
        "  bayesum combine runs/all - runs/all:3 --out runs/without-3\n"
        "Exact for conjugate models; for others train on from there: train --start runs/without-3");
  }

  void add_inspect() {
    CLI::App* sub =
        add("inspect", "Show what a posterior holds", [this] { return inspect(inspect_, job_); });
    sub->add_option("RUN", inspect_.trained, "run folder or posterior file")->required();
  }

  void add_export() {
    CLI::App* sub = add("export", "Write a trained GPT-2 as Hugging Face's transformers opens it",
                        [this] { return export_network(export_, job_); });
    sub->add_option("RUN", export_.trained, "run folder or posterior file")->required();
    sub->add_option("--out", export_.out,
                    "folder for config.json, model.safetensors and sigma.safetensors")
        ->required();
  }

  void add_tokenize() {
    CLI::App* sub = add("tokenize", "Turn texts into tokens, as files that a training reads",
                        [this] { return tokenize(tokenize_, job_); });
    sub->add_option("TEXTS", tokenize_.texts, "text files, packed by gzip or not")->required();
    sub->add_option("--out", tokenize_.out, "folder for train.bin and val.bin")->required();
    sub->add_option("--tokenizer", tokenize_.tokenizer, "gpt2, characters or bytes")
        ->check(CLI::IsMember({"gpt2", "characters", "bytes"}))
        ->capture_default_str();
    sub->add_option("--vocabulary", tokenize_.vocabulary,
                    "gpt2: vocab.json; characters: a file with all of them (default: the texts')");
    sub->add_option("--merges", tokenize_.merges, "gpt2: merges.txt");
    sub->add_option("--format", tokenize_.format, "of the files: llm.c or nanogpt")
        ->check(CLI::IsMember({"llm.c", "nanogpt"}))
        ->capture_default_str();
    sub->add_option("--validation", tokenize_.validation,
                    "share of the texts, at their end, to hold out in val.bin")
        ->check(CLI::Range(0.0, 0.99))
        ->capture_default_str();
  }

  void add_generate() {
    CLI::App* sub = add("generate", "Write a text by a trained language model",
                        [this] { return generate(generate_, job_); });
    sub->add_option("RUN", generate_.trained, "run folder or posterior file")->required();
    sub->add_option("--prompt", generate_.prompt, "how the text begins (default: a new line)");
    sub->add_option("--tokens", generate_.tokens, "to write")
        ->check(CLI::Range(1, 1 << 30))
        ->capture_default_str();
    sub->add_option("--draws", generate_.draws, "of the weights, whose predictions are averaged")
        ->check(CLI::Range(1, 4096))
        ->capture_default_str();
    sub->add_option("--temperature", generate_.temperature, "0: always the most probable token")
        ->check(CLI::Range(0.0, 100.0))
        ->capture_default_str();
    sub->add_option("--top-k", generate_.top_k, "choose among so many of the most probable; 0: all")
        ->check(CLI::Range(0, 1 << 30))
        ->capture_default_str();
    sub->add_option("--seed", generate_.seed, "of the choice of tokens")
        ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()))
        ->capture_default_str();
    sub->add_flag("--show-disagreement", generate_.show_disagreement,
                  "mark the tokens about which the draws disagree: colours on a terminal, else "
                  "brackets");
    sub->add_option("--json", generate_.json, "file with a line for each token");
    add_device(sub, generate_.device);
  }

  void add_doctor() {
    CLI::App* sub =
        add("doctor", "Show what this machine and these ranks can do, and how fast they reduce",
            [this] { return doctor(doctor_, job_); });
    sub->footer("Takes the flags of [run]: --device cuda --communicator nccl");
  }

  Job& job_;
  CLI::App app_{"bayesum: variational Bayes as a sum of messages", "bayesum"};
  TrainOptions train_;
  PredictOptions predict_;
  EvaluateOptions evaluate_;
  ReportOptions report_;
  CombineOptions combine_;
  InspectOptions inspect_;
  ExportOptions export_;
  TokenizeOptions tokenize_;
  GenerateOptions generate_;
  DoctorOptions doctor_;
  std::function<ExitCode()> command_;
};

void say(const std::string& sentence) {
  std::fflush(stdout);
  std::fprintf(stderr, "bayesum: %s\n", sentence.c_str());
  std::fflush(stderr);
}

// Ends a job in which this rank failed. Ranks that fail alike, as they do when they agreed to,
// leave the word to rank 0, which takes them down while they wait; one that failed alone speaks and
// takes the others down.
int fail(Communicator& ranks, std::string sentence, ExitCode code) {
  if (ranks.size() > 1) {
    release_signals();
    if (ranks.rank() > 0) std::this_thread::sleep_for(kPatience);
    if (!sentence.ends_with(")") || sentence.rfind(" (rank ") == std::string::npos) {
      sentence += " (rank " + std::to_string(ranks.rank()) + ")";
    }
  }
  say(sentence);
  ranks.abort(static_cast<int>(code));
  return static_cast<int>(code);
}

int run(int argc, char** argv) {
  Job job;
  try {
    return static_cast<int>(CommandLine(job).run(split(argc, argv)));
  } catch (const Error& error) {
    return fail(job.ranks(), error.what(), error.code());
  } catch (const std::filesystem::filesystem_error& error) {
    return fail(job.ranks(), error.what(), ExitCode::kFile);
  } catch (const std::bad_alloc&) {
    return fail(job.ranks(), "out of memory", ExitCode::kDevice);
  } catch (const std::exception& error) {
    return fail(job.ranks(), std::string("unexpected: ") + error.what(), ExitCode::kDevice);
  }
}

}  // namespace
}  // namespace bayesum

int main(int argc, char** argv) {
  try {
    return bayesum::run(argc, argv);
  } catch (const bayesum::Error& error) {
    bayesum::say(error.what());
    return static_cast<int>(error.code());
  }
}
