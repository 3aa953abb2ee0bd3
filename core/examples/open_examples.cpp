#include "core/examples/open_examples.hpp"

#include <utility>

#include "core/examples/bpe.hpp"
#include "core/examples/token_examples.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw Error(ExitCode::kUsage, why); }

// Is it tokens as they are, or text?
bool is_tokens(const ExamplesConfig& config, const std::string& path) {
  return config.format == "tokens" || (config.format == "auto" && path.ends_with(".bin"));
}

bool is_text(const ExamplesConfig& config, const std::string& path) {
  return config.format == "text" ||
         (config.format == "auto" && (path.ends_with(".txt") || path.ends_with(".txt.gz")));
}

std::string tokenizer_name(const ExamplesConfig& config) {
  if (config.tokenizer != "auto") return config.tokenizer;
  if (!config.merges.empty()) return "gpt2";
  return is_tokens(config, config.path) && config.vocabulary.empty() ? "" : "characters";
}

// Keys of one kind of data where the other kind is read.
void check_keys(const ExamplesConfig& config) {
  if (config.path.empty()) refuse("data.path does not say where the data are");
  const bool tokens = reads_tokens(config);
  const auto refuse_key = [&](const char* key, bool given, bool of_rows) {
    if (!given || tokens != of_rows) return;
    refuse(std::string(key) + " is for " + (of_rows ? "rows; " : "texts and tokens; ") +
           config.path + " holds " + (tokens ? "tokens" : "rows") +
           "; data.format says otherwise where it must");
  };
  refuse_key("data.response", !config.response.empty(), true);
  refuse_key("data.features", !config.features.empty(), true);
  refuse_key("data.feature_names", !config.feature_names.empty(), true);
  refuse_key("data.rows", !config.rows.empty(), true);
  refuse_key("data.validation_rows", !config.validation_rows.empty(), true);
  refuse_key("data.validation_response", !config.validation_response.empty(), true);
  refuse_key("data.scaling", config.scaling != "auto", true);
  refuse_key("data.tokenizer", config.tokenizer != "auto", false);
  refuse_key("data.vocabulary", !config.vocabulary.empty(), false);
  refuse_key("data.merges", !config.merges.empty(), false);
  refuse_key("data.vocabulary_size", config.vocabulary_size > 0, false);
  const bool other = !config.validation.empty() || !config.validation_rows.empty();
  if (other && config.validation_share > 0) {
    refuse(
        "data.validation_share is of data.path alone: data.validation and data.validation_rows "
        "exclude it");
  }
  if (!config.validation_response.empty() && config.validation.empty()) {
    refuse("data.validation_response is for data.validation, which is not given");
  }
}

// A .bin file, or a text that is encoded.
TokenFile open_tokens(const ExamplesConfig& config, const std::string& path,
                      const Tokenizer* tokenizer) {
  if (!is_tokens(config, path)) return {path, *tokenizer};
  if (config.vocabulary_size == 0 && tokenizer == nullptr) {
    refuse("data.vocabulary_size does not say how many tokens the vocabulary of " + path + " has");
  }
  const std::size_t own = tokenizer == nullptr ? 0 : tokenizer->size();
  const auto size = static_cast<std::size_t>(config.vocabulary_size);
  if (size > 0 && size < own) {
    refuse("data.vocabulary_size = " + std::to_string(size) + " is below the " +
           std::to_string(own) + " tokens of the tokenizer");
  }
  return {path, size > 0 ? size : own};
}

// Of a set for scores, which no epochs are drawn from.
constexpr std::uint64_t kNoSeed = 0;

// The tokens of data.path that are learned from are those before this one.
std::uint64_t cut_of(const ExamplesConfig& config, const TokenFile& whole) {
  return static_cast<std::uint64_t>((1 - config.validation_share) *
                                    static_cast<double>(whole.size()));
}

std::unique_ptr<Examples> tokens_behind_cut(const ExamplesConfig& config, const TokenFile& whole) {
  return std::make_unique<TokenExamples>(TokenFile(whole, cut_of(config, whole), whole.size()),
                                         static_cast<std::size_t>(config.context), kNoSeed);
}

ExampleSets open_token_sets(const ExamplesConfig& config, std::uint64_t seed) {
  ExampleSets sets;
  sets.tokenizer = open_tokenizer(config);
  const auto context = static_cast<std::size_t>(config.context);
  const TokenFile file = open_tokens(config, config.path, sets.tokenizer.get());
  sets.training =
      std::make_unique<TokenExamples>(TokenFile(file, 0, cut_of(config, file)), context, seed);
  sets.validation = config.validation_share > 0
                        ? tokens_behind_cut(config, file)
                        : open_validation_tokens(config, sets.tokenizer.get(), file.vocabulary());
  return sets;
}

RowSource training_rows(const ExamplesConfig& config) {
  return {.path = config.path,
          .format = config.format,
          .response = config.response,
          .features = config.features,
          .feature_names = config.feature_names,
          .rows = config.rows,
          .last = 1 - config.validation_share};
}

// No path: none are held out.
RowSource held_out_rows(const ExamplesConfig& config) {
  RowSource source = training_rows(config);
  if (config.validation_share > 0) {
    source.first = source.last;
    source.last = 1;
    return source;
  }
  source.rows = config.validation_rows;
  if (config.validation.empty()) {
    if (config.validation_rows.empty()) source.path.clear();
    return source;
  }
  if (is_idx(source) && config.validation_response.empty()) {
    refuse("data.validation_response does not name the file of labels of " + config.validation);
  }
  source.path = config.validation;
  if (!config.validation_response.empty()) source.response = config.validation_response;
  return source;
}

ExampleSets open_row_sets(const ExamplesConfig& config, Response response) {
  const RowSource source = training_rows(config);
  Scaling scaling = is_idx(source) ? Scaling::kUnit : Scaling::kStandard;
  if (config.scaling == "none") scaling = Scaling::kNone;
  if (config.scaling == "unit") scaling = Scaling::kUnit;
  if (config.scaling == "standard") scaling = Scaling::kStandard;
  ExampleSets sets;
  auto training = std::make_unique<RowExamples>(read_rows(source, response, scaling));
  sets.design = training->design();
  sets.training = std::move(training);
  sets.validation = open_validation_rows(config, sets.design);
  return sets;
}

}  // namespace

bool reads_tokens(const ExamplesConfig& config) {
  return is_tokens(config, config.path) || is_text(config, config.path);
}

std::unique_ptr<Examples> open_validation_tokens(const ExamplesConfig& config,
                                                 const Tokenizer* tokenizer,
                                                 std::size_t vocabulary) {
  const auto open = [&](const std::string& path) {
    if (is_tokens(config, path)) return TokenFile(path, vocabulary);
    if (tokenizer == nullptr) {
      refuse("data.tokenizer does not say how the text " + path + " becomes tokens; " +
             config.path + " holds tokens already");
    }
    return TokenFile(path, *tokenizer);
  };
  if (config.validation_share > 0) return tokens_behind_cut(config, open(config.path));
  if (config.validation.empty()) return nullptr;
  return std::make_unique<TokenExamples>(open(config.validation),
                                         static_cast<std::size_t>(config.context), kNoSeed);
}

std::unique_ptr<Examples> open_validation_rows(const ExamplesConfig& config,
                                               const RowDesign& design) {
  const RowSource source = held_out_rows(config);
  if (source.path.empty()) return nullptr;
  return std::make_unique<RowExamples>(read_rows(source, design));
}

std::shared_ptr<const Tokenizer> open_tokenizer(const ExamplesConfig& config) {
  const std::string name = tokenizer_name(config);
  if (name.empty()) return nullptr;
  if (name != "gpt2" && !config.merges.empty()) {
    refuse("data.merges is for data.tokenizer = \"gpt2\"");
  }
  std::vector<std::filesystem::path> texts;
  if (!is_tokens(config, config.path)) texts.emplace_back(config.path);
  return read_tokenizer(name, config.vocabulary, config.merges, texts);
}

ExampleSets open_examples(const ExamplesConfig& config, Response response, std::uint64_t seed) {
  check_keys(config);
  return reads_tokens(config) ? open_token_sets(config, seed) : open_row_sets(config, response);
}

ExampleSets open_examples(const ExamplesConfig& config, const RowDesign& design) {
  check_keys(config);
  if (config.response.empty()) {
    refuse("data.response does not say what of " + config.path + " is to be explained");
  }
  ExampleSets sets;
  sets.design = design;
  sets.training = std::make_unique<RowExamples>(read_rows(training_rows(config), design));
  sets.validation = open_validation_rows(config, design);
  return sets;
}

}  // namespace bayesum
