#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "core/files/tensor_reader.hpp"
#include "core/weights/parameter_space.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

inline constexpr const char* kNetworkFormat = "bayesum-network";

// What the posterior file of a network says beside its numbers: all that is needed to build the
// network again and to read other data with it.
struct NetworkDescription {
  std::string model;             // its name
  std::string config;            // TOML: [model] and [data] of the training
  std::string shape;             // of one example, JSON
  std::string rows;              // how columns or pixels are read and scaled, JSON; empty: tokens
  std::string tokenizer;         // kind of what makes tokens of text; empty: none
  std::string tokenizer_tables;  // of that kind, JSON
  std::string rule;              // that trained it
  double ess = 0;                // effective sample size, of sigma^2 = 1 / (ess (h + delta))
  std::uint64_t seed = 0;
  std::uint64_t fingerprint = 0;  // of the training data
  std::int64_t step = 0;          // steps it was trained
  std::uint64_t base = 0;         // hash of the weights that its adapters adapt; 0: it has none

  friend bool operator==(const NetworkDescription&, const NetworkDescription&) = default;
};

// The posterior N(mean, diag(sd^2)) over the weights of a network: flat vectors over its
// ParameterSpace. `curvature` is the h that a later training begins from.
template <class T>
struct NetworkPosterior {
  std::span<T> mean;
  std::span<T> sd;
  std::span<T> curvature;
};

// Writes posterior.safetensors of a network, by core/FORMAT.md: whole or absent, the same bytes for
// the same content. The vectors live on the device of the stream; nothing is held twice but a
// piece.
void write_network(const Stream& stream, const std::filesystem::path& path,
                   const NetworkDescription& description, const ParameterSpace& space,
                   const NetworkPosterior<const float>& posterior);

// A posterior file of a network, open for reading.
class NetworkFile {
 public:
  // Error(kFile) naming the path and what is wrong: damage, another format or version, a text that
  // is missing or no number.
  explicit NetworkFile(const std::filesystem::path& path);

  const NetworkDescription& description() const { return description_; }

  // Fills the vectors, zero between tensors. Error(kFile) naming every tensor that is missing, does
  // not belong or has another shape than in `space`, and the first with a mean or curvature that is
  // not finite or an sd that is not finite and at least zero.
  void read(const Stream& stream, const ParameterSpace& space,
            const NetworkPosterior<float>& posterior) const;

 private:
  TensorReader file_;
  NetworkDescription description_;
};

}  // namespace bayesum
