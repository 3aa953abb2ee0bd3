#include "models/network/trained_network.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "core/files/hash.hpp"
#include "core/weights/weight_tensors.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr const char* kFormatVersion = "1";
constexpr const char* kProgram = "bayesum " BAYESUM_VERSION;
constexpr const char* kBase = "base";
constexpr std::size_t kPiece = std::size_t{1} << 20;  // elements

[[noreturn]] void refuse(const TensorReader& file, const std::string& what) {
  throw Error(ExitCode::kFile, file.path().string() + ": " + what);
}

// The shortest text that reads back as the same number.
template <class T>
std::string number_text(T value) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

template <class T, class... Base>
void read_number(const TensorReader& file, const std::string& key, T& value, Base... base) {
  const std::string& text = file.text(key);
  const char* const last = text.data() + text.size();
  const auto [end, problem] = std::from_chars(text.data(), last, value, base...);
  if (problem != std::errc{} || end != last || !(value >= 0)) {
    refuse(file, key + " is '" + text + "', which is no number that it can be");
  }
}

void expect(const TensorReader& file, const std::string& key, const std::string& wanted) {
  const std::string& found = file.text(key);
  if (found != wanted) refuse(file, key + " is '" + found + "' where '" + wanted + "' belongs");
}

// Visits the three vectors, each with its kind and the least that its elements may be.
template <class T, class Visit>
void each_vector(const NetworkPosterior<T>& posterior, const Visit& visit) {
  constexpr float lowest = std::numeric_limits<float>::lowest();
  visit("mean", posterior.mean, lowest);
  visit("sd", posterior.sd, 0.0f);
  visit("curvature", posterior.curvature, lowest);
}

void check_values(const TensorReader& file, const std::string& name, float least) {
  const TensorEntry& entry = file.entry(name);
  const std::size_t size = entry.elements();
  std::vector<float> piece(std::min(kPiece, size));
  for (std::size_t at = 0; at < size; at += piece.size()) {
    const auto part = std::span(piece).first(std::min(piece.size(), size - at));
    file.read(entry, at, part);
    const auto wrong =
        std::ranges::find_if(part, [&](float x) { return !std::isfinite(x) || x < least; });
    if (wrong != part.end()) {
      refuse(file, "tensor '" + name + "' holds " + number_text(*wrong));
    }
  }
}

NetworkDescription description_of(const TensorReader& file) {
  expect(file, "format", kNetworkFormat);
  expect(file, "format_version", kFormatVersion);
  NetworkDescription description{.model = file.text("model"),
                                 .config = file.text("config"),
                                 .shape = file.text("shape"),
                                 .rows = file.text("rows"),
                                 .tokenizer = file.text("tokenizer"),
                                 .tokenizer_tables = file.text("tokenizer_tables"),
                                 .rule = file.text("rule")};
  read_number(file, "ess", description.ess);
  read_number(file, "seed", description.seed);
  read_number(file, "fingerprint", description.fingerprint, 16);
  read_number(file, "step", description.step);
  if (file.metadata().contains(kBase)) read_number(file, kBase, description.base, 16);
  if (!std::isfinite(description.ess)) refuse(file, "ess is not finite");
  return description;
}

}  // namespace

void write_network(const Stream& stream, const std::filesystem::path& path,
                   const NetworkDescription& description, const ParameterSpace& space,
                   const NetworkPosterior<const float>& posterior) {
  std::map<std::string, std::string> metadata{{"format", kNetworkFormat},
                                              {"format_version", kFormatVersion},
                                              {"program", kProgram},
                                              {"model", description.model},
                                              {"config", description.config},
                                              {"shape", description.shape},
                                              {"rows", description.rows},
                                              {"tokenizer", description.tokenizer},
                                              {"tokenizer_tables", description.tokenizer_tables},
                                              {"rule", description.rule},
                                              {"ess", number_text(description.ess)},
                                              {"seed", number_text(description.seed)},
                                              {"fingerprint", hash_text(description.fingerprint)},
                                              {"step", number_text(description.step)}};
  if (description.base != 0) metadata[kBase] = hash_text(description.base);
  std::vector<TensorEntry> entries;
  each_vector(posterior, [&](const char* kind, auto, float) {
    std::ranges::move(weight_entries(space, kind), std::back_inserter(entries));
  });
  TensorWriter file(path, std::move(metadata), std::move(entries), Checksum::kLast);
  each_vector(posterior, [&](const char*, std::span<const float> values, float) {
    write_weights(stream, space, values, file);
  });
  file.commit();
}

NetworkFile::NetworkFile(const std::filesystem::path& path)
    : file_(path, Checksum::kLast), description_(description_of(file_)) {}

void NetworkFile::read(const Stream& stream, const ParameterSpace& space,
                       const NetworkPosterior<float>& posterior) const {
  std::vector<ExpectedTensor> expected;
  each_vector(posterior, [&](const char* kind, auto, float) {
    std::ranges::move(expected_weights(space, kind), std::back_inserter(expected));
  });
  expect_tensors(file_.path(), file_.entries(), expected, TensorType::kF32);
  each_vector(posterior, [&](const std::string& kind, std::span<float> values, float least) {
    for (const ParameterTensor& tensor : space.tensors()) {
      check_values(file_, kind + "." + tensor.name, least);
    }
    read_weights(stream, file_, space, kind, values);
  });
}

}  // namespace bayesum
