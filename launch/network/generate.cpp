#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>
#include <optional>

#include "core/agree.hpp"
#include "core/files/json_object.hpp"
#include "kernels/error.hpp"
#include "launch/commands.hpp"
#include "launch/report.hpp"
#include "launch/table.hpp"
#include "models/network/open_network.hpp"
#include "models/network/text_generator.hpp"

namespace bayesum {
namespace {

// Mutual information in nats from which on a token is marked: a draw knows so much more.
constexpr double kDisagreement = 0.1;
// Backgrounds of a terminal of 256 colours, and from where on each is used.
constexpr std::array<std::pair<double, int>, 4> kColours{
    {{0.4, 160}, {0.2, 166}, {kDisagreement, 136}, {0.05, 58}}};

OpenNetwork open(const GenerateOptions& options, const Stream& stream) {
  OpenNetwork trained = open_network(stream, posterior_path(options.trained));
  if (trained.model.name != "gpt2") {
    throw Error(ExitCode::kUsage, options.trained.string() + " holds a network " +
                                      trained.model.name +
                                      ", which learned from rows: texts are those of a gpt2");
  }
  if (!trained.tokenizer) {
    throw Error(ExitCode::kUsage, options.trained.string() +
                                      " was trained on tokens alone: without data.tokenizer there "
                                      "is no text of them");
  }
  return trained;
}

std::vector<std::int32_t> tokens_of(const Tokenizer& tokenizer, const std::string& prompt) {
  if (prompt.empty() && tokenizer.end_of_text()) {
    return {static_cast<std::int32_t>(*tokenizer.end_of_text())};
  }
  std::vector<std::uint32_t> tokens;
  const std::size_t read = tokenizer.encode(prompt, tokens);
  if (read < prompt.size()) {
    const bool by_default = prompt == GenerateOptions().prompt;
    throw Error(ExitCode::kUsage,
                by_default
                    ? "--prompt does not say how the text begins, and a new line, by which it "
                      "does otherwise, is not known to the tokenizer"
                    : "--prompt: " + tokenizer.why_not(std::string_view(prompt).substr(read)));
  }
  if (tokens.empty()) {
    throw Error(ExitCode::kUsage,
                "--prompt is empty, and the tokenizer has no token that begins a text");
  }
  return {tokens.begin(), tokens.end()};
}

// Tells a text as it comes.
class Teller {
 public:
  Teller(const GenerateOptions& options, const Tokenizer& tokenizer)
      : tokenizer_(tokenizer),
        marks_(options.show_disagreement),
        colours_(marks_ && ::isatty(STDOUT_FILENO) == 1),
        path_(options.json) {
    if (path_.empty()) return;
    file_.open(path_);
    check_file();
  }

  void tell(const GeneratedToken& token) {
    const std::string text(tokenizer_.text_of(static_cast<std::uint32_t>(token.token)));
    std::cout << marked(text, token.mutual_information) << std::flush;
    entropy_ += token.entropy;
    information_ += token.mutual_information;
    ++tokens_;
    if (path_.empty()) return;
    file_ << JsonObject()
                 .add("token", std::int64_t{token.token})
                 .add("text", text)
                 .add("probability", token.probability)
                 .add("entropy", token.entropy)
                 .add("mutual_information", token.mutual_information)
                 .text()
          << std::endl;
    check_file();
  }

  void finish(std::int64_t draws) const {
    const auto mean = [&](double sum) { return rounded(sum / static_cast<double>(tokens_), 3); };
    std::cout << "\n\n"
              << counted(tokens_, "token") << " of "
              << counted(static_cast<std::size_t>(draws), "draw") << ": mean entropy "
              << mean(entropy_) << " nats, of which mutual information " << mean(information_)
              << ", by which the draws disagree" << std::endl;
  }

 private:
  std::string marked(const std::string& text, double information) const {
    if (!marks_) return text;
    if (!colours_) return information >= kDisagreement ? "\u27e6" + text + "\u27e7" : text;
    for (const auto& [from, colour] : kColours) {
      if (information < from) continue;
      return "\x1b[48;5;" + std::to_string(colour) + "m" + text + "\x1b[0m";
    }
    return text;
  }

  void check_file() const {
    if (!file_) throw Error(ExitCode::kFile, "cannot write " + path_.string());
  }

  const Tokenizer& tokenizer_;
  bool marks_;
  bool colours_;
  std::filesystem::path path_;
  std::ofstream file_;
  std::size_t tokens_ = 0;
  double entropy_ = 0;
  double information_ = 0;
};

void tell_text(const GenerateOptions& options, const Stream& stream) {
  const OpenNetwork trained = open(options, stream);
  const std::vector<std::int32_t> prompt = tokens_of(*trained.tokenizer, options.prompt);
  const WeightDraws draws = draws_of(trained, options.draws);
  TextGenerator generator(
      stream, gpt2_config(trained.model, trained.shape), draws,
      {options.temperature, options.top_k, static_cast<std::uint64_t>(options.seed)}, prompt,
      adapters_of(*trained.network));
  Teller teller(options, *trained.tokenizer);
  std::cout << options.prompt << std::flush;
  for (std::int64_t i = 0; i < options.tokens; ++i) {
    const GeneratedToken token = generator.next();
    if (static_cast<std::size_t>(token.token) >= trained.tokenizer->size()) continue;
    teller.tell(token);
  }
  teller.finish(options.draws);
}

}  // namespace

ExitCode generate(const GenerateOptions& options, Job& job) {
  RunConfig run;
  run.device = options.device;
  run_on_ranks(job, run, [&](Communicator& ranks, const Stream& stream) {
    agree(ranks, stream, [&] {
      if (ranks.rank() == 0) tell_text(options, stream);
    });
  });
  return ExitCode::kDone;
}

}  // namespace bayesum
