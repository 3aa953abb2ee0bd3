#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/weights/network.hpp"
#include "kernels/buffer.hpp"

namespace bayesum {

// The section [lora] of a configuration that trains a network.
struct LoraConfig {
  std::int64_t rank = 0;  // 0: no adapters, all weights are trained
  double alpha = 16;
  // Matrices by the end of their names, "attn.c_attn" or "h.0.attn.c_attn"; empty: all there are.
  Strings targets;

  void describe(Fields& fields);
};

// Low-rank adapters (LoRA; Hu et al., ICLR 2022) on matrices W [in, out] of another network, whose
// weights stay as they are:
//
//   W' = W + s A B     A [in, rank], B [rank, out], s = alpha / rank
//
// A and B alone are the parameters: NAME.lora_A and NAME.lora_B for a matrix NAME.weight, in the
// order of the network's. A starts at N(0, 1 / (3 in)), the variance of the authors' own start, B
// at 0, so that training starts at the network as it is. Everything but parameters and gradient is
// the network's own at W'. The gradient is exact, by the network's dW':
//
//   dA = s dW' B'      dB = s A' dW'
//
// A pass costs 6 rank in out operations a matrix more than the network's own. It takes in memory,
// beside what the network does, its weights twice where they are adapted and once elsewhere, and
// its whole gradient. Where the network rounds its weights to bfloat16, it rounds W'.
class LowRank final : public Network {
 public:
  // `matrices`: names of tensors of the network, without ".weight". Error(kUsage) where one is none
  // of its matrices or is smaller than the rank.
  LowRank(std::unique_ptr<Network> network, const std::vector<std::string>& matrices,
          std::size_t rank, double alpha);

  const Network& network() const { return *network_; }
  std::size_t rank() const { return rank_; }
  double alpha() const { return alpha_; }
  std::size_t bytes() const;  // of memory that it takes itself, in training
  double flops() const;       // operations of a pass, beside the network's own

  // The weights that are adapted, over network().parameters(), host or device; needed before any
  // pass. Error(kUsage) for another number of them.
  void set_base(const Stream& stream, std::span<const float> weights);
  // These weights, and those with the adapters of a theta, W'; on the stream's device, valid until
  // the next pass or call.
  std::span<const float> base(const Stream& stream);
  std::span<const float> adapted(const Stream& stream, std::span<const float> theta);

  // The sd of each element of W' under N(mean, diag(sd^2)) over A and B; 0 where nothing is
  // adapted:
  //   Var[s sum_k A_ik B_kj] = s^2 sum_k (a^2 v_b + v_a b^2 + v_a v_b)
  // with means a, b and variances v of A_ik and B_kj. (The mean of W' is `adapted` at the mean.)
  // Host memory, over network().parameters().
  std::vector<float> adapted_sd(std::span<const float> mean, std::span<const float> sd) const;

  std::string name() const override;
  const ParameterSpace& parameters() const override { return parameters_; }
  void reserve(const Stream& stream, std::size_t rows, std::size_t length) override;
  // Error(kUsage) where squares are asked for: those of a product are not had from those of dW'.
  void accumulate(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                  NoiseId dropout, const GradientSink& sink,
                  std::span<double, WeightMessage::kScalars> counts) override;
  void evaluate(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                std::span<double, WeightMessage::kScalars> counts) override;
  std::size_t outputs() const override { return network_->outputs(); }
  void predict(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
               std::span<float> out) override;

 private:
  struct Adapter {
    std::size_t in = 0;
    std::size_t out = 0;
    std::size_t weight = 0;  // where W lies among the network's weights
    std::size_t kept = 0;    // where among those that are kept
    std::size_t a = 0;       // where A and B lie in theta
    std::size_t b = 0;
  };

  double scale() const { return alpha_ / static_cast<double>(rank_); }  // s
  MatrixView<const float> a(std::span<const float> theta, const Adapter& adapter) const;
  MatrixView<const float> b(std::span<const float> theta, const Adapter& adapter) const;
  void check(std::span<const float> theta) const;
  void restore(const Stream& stream, const Adapter& adapter);
  void teach(const Stream& stream, std::span<const float> theta, const Adapter& adapter,
             std::span<float> gradient);

  std::unique_ptr<Network> network_;
  std::size_t rank_;
  double alpha_;
  ParameterSpace parameters_;
  std::vector<Adapter> adapters_;
  std::size_t adapted_ = 0;  // elements of all W, aligned
  Buffer<float> kept_;       // W of each adapter
  Buffer<float> weights_;    // the network's, those that are adapted as of the last pass
  Buffer<float> gradient_;   // of weights_
};

// The adapters of a network; null where it has none.
LowRank* adapters_of(Network& network);

// The names, without ".weight", of the matrices that `config` names of those there are.
// Error(kUsage) naming a target that is none of them, with what there is.
std::vector<std::string> adapted_matrices(const LoraConfig& config,
                                          const std::vector<std::string>& there_are);

}  // namespace bayesum
