#include "models/network/low_rank.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/elementwise.hpp"
#include "kernels/error.hpp"
#include "kernels/network/matmul.hpp"

namespace bayesum {
namespace {

constexpr double kHighestRank = 1 << 16;

[[noreturn]] void refuse(const std::string& why) { throw Error(ExitCode::kUsage, why); }

std::string size_text(std::size_t in, std::size_t out) {
  return std::to_string(in) + " x " + std::to_string(out);
}

bool is_named(const std::string& matrix, const std::string& target) {
  return matrix == target || matrix.ends_with("." + target);
}

// Each of them once, a number that counts layers as N.
std::string kinds_of(const std::vector<std::string>& matrices) {
  std::vector<std::string> kinds;
  for (const std::string& matrix : matrices) {
    const std::string kind = tensor_group(matrix + ".weight");
    if (std::ranges::count(kinds, kind) == 0) kinds.push_back(kind);
  }
  std::string text;
  for (const std::string& kind : kinds) text += (text.empty() ? "" : ", ") + kind;
  return text;
}

}  // namespace

void LoraConfig::describe(Fields& fields) {
  fields.add("lora.rank", rank, {0, kHighestRank},
             "of the adapters that are trained in place of the weights of run.start; 0: none");
  fields.add("lora.alpha", alpha, kPositive, "A B is multiplied by alpha / rank");
  fields.add("lora.targets", targets,
             "matrices to be adapted, by the end of their names; none: all linear maps");
}

LowRank::LowRank(std::unique_ptr<Network> network, const std::vector<std::string>& matrices,
                 std::size_t rank, double alpha)
    : network_(std::move(network)), rank_(rank), alpha_(alpha) {
  ParameterSpace kept;
  for (const ParameterTensor& tensor : network_->parameters().tensors()) {
    const auto named = [&](const std::string& name) { return tensor.name == name + ".weight"; };
    const auto found = std::ranges::find_if(matrices, named);
    if (found == matrices.end()) continue;
    if (tensor.shape.size() != 2) refuse(tensor.name + " is no matrix that could be adapted");
    const std::size_t in = tensor.shape[0], out = tensor.shape[1];
    if (rank_ == 0 || rank_ > std::min(in, out)) {
      refuse("lora.rank = " + std::to_string(rank_) + " is no rank that " + tensor.name + ", " +
             size_text(in, out) + ", can have: 1 to " + std::to_string(std::min(in, out)));
    }
    Adapter adapter{.in = in, .out = out, .weight = tensor.first};
    adapter.kept = kept.add({.name = tensor.name, .shape = tensor.shape});
    adapter.a = parameters_.add({.name = *found + ".lora_A",
                                 .shape = {in, rank_},
                                 .initial_sd = std::sqrt(1.0 / (3.0 * static_cast<double>(in)))});
    adapter.b = parameters_.add({.name = *found + ".lora_B", .shape = {rank_, out}});
    adapters_.push_back(adapter);
  }
  adapted_ = kept.size();
  if (adapters_.size() != matrices.size() || adapters_.empty()) {
    refuse("there are " + std::to_string(adapters_.size()) + " of the " +
           std::to_string(matrices.size()) + " matrices that adapters were to be on");
  }
}

std::size_t LowRank::bytes() const {
  return (adapted_ + 2 * network_->parameters().size()) * sizeof(float);
}

double LowRank::flops() const {
  std::size_t elements = 0;
  for (const Adapter& adapter : adapters_) elements += adapter.in * adapter.out;
  return 6.0 * static_cast<double>(rank_ * elements);
}

std::string LowRank::name() const {
  return network_->name() + " with adapters of rank " + std::to_string(rank_);
}

MatrixView<const float> LowRank::a(std::span<const float> theta, const Adapter& adapter) const {
  return {theta.data() + adapter.a, adapter.in, rank_};
}

MatrixView<const float> LowRank::b(std::span<const float> theta, const Adapter& adapter) const {
  return {theta.data() + adapter.b, rank_, adapter.out};
}

void LowRank::set_base(const Stream& stream, std::span<const float> weights) {
  const std::size_t size = network_->parameters().size();
  if (weights.size() != size) {
    refuse("adapters were given " + std::to_string(weights.size()) + " weights where " +
           std::to_string(size) + " belong");
  }
  weights_ = Buffer<float>(stream.device(), size);
  kept_ = Buffer<float>(stream.device(), adapted_);
  copy<float>(stream, weights, weights_.span());
  for (const Adapter& adapter : adapters_) {
    const std::size_t elements = adapter.in * adapter.out;
    copy<float>(stream, weights_.span().subspan(adapter.weight, elements),
                kept_.span().subspan(adapter.kept, elements));
  }
}

void LowRank::restore(const Stream& stream, const Adapter& adapter) {
  const std::size_t elements = adapter.in * adapter.out;
  copy<float>(stream, kept_.span().subspan(adapter.kept, elements),
              weights_.span().subspan(adapter.weight, elements));
}

void LowRank::check(std::span<const float> theta) const {
  if (weights_.size() == 0) refuse("adapters were used before the weights that they adapt came");
  if (theta.size() == parameters_.size()) return;
  refuse("adapters were given " + std::to_string(theta.size()) + " parameters where " +
         std::to_string(parameters_.size()) + " belong");
}

std::span<const float> LowRank::base(const Stream& stream) {
  for (const Adapter& adapter : adapters_) restore(stream, adapter);
  return weights_.span();
}

std::span<const float> LowRank::adapted(const Stream& stream, std::span<const float> theta) {
  check(theta);
  for (const Adapter& adapter : adapters_) {
    restore(stream, adapter);
    matmul(stream, {.alpha = static_cast<float>(scale()), .beta = 1.0f}, a(theta, adapter),
           b(theta, adapter), {weights_.data() + adapter.weight, adapter.in, adapter.out});
  }
  return weights_.span();
}

std::vector<float> LowRank::adapted_sd(std::span<const float> mean,
                                       std::span<const float> sd) const {
  std::vector<float> whole(network_->parameters().size());
  for (const Adapter& adapter : adapters_) {
    std::vector<double> row(adapter.out);
    for (std::size_t i = 0; i < adapter.in; ++i) {
      std::ranges::fill(row, 0.0);
      for (std::size_t k = 0; k < rank_; ++k) {
        const std::size_t at_a = adapter.a + i * rank_ + k;
        const double a2 = std::pow(double{mean[at_a]}, 2), va = std::pow(double{sd[at_a]}, 2);
        for (std::size_t j = 0; j < adapter.out; ++j) {
          const std::size_t at_b = adapter.b + k * adapter.out + j;
          const double b = mean[at_b], vb = double{sd[at_b]} * double{sd[at_b]};
          row[j] += (a2 + va) * vb + va * b * b;
        }
      }
      for (std::size_t j = 0; j < adapter.out; ++j) {
        whole[adapter.weight + i * adapter.out + j] =
            static_cast<float>(scale() * std::sqrt(row[j]));
      }
    }
  }
  return whole;
}

void LowRank::reserve(const Stream& stream, std::size_t rows, std::size_t length) {
  network_->reserve(stream, rows, length);
  const std::size_t size = network_->parameters().size();
  if (gradient_.size() != size || !(gradient_.device() == stream.device())) {
    gradient_ = Buffer<float>(stream.device(), size);
  }
}

void LowRank::teach(const Stream& stream, std::span<const float> theta, const Adapter& adapter,
                    std::span<float> gradient) {
  const auto s = static_cast<float>(scale());
  const MatrixView<const float> dw(gradient_.data() + adapter.weight, adapter.in, adapter.out);
  matmul(stream, {.transpose_b = Transpose::kYes, .alpha = s, .beta = 1.0f}, dw, b(theta, adapter),
         {gradient.data() + adapter.a, adapter.in, rank_});
  matmul(stream, {.transpose_a = Transpose::kYes, .alpha = s, .beta = 1.0f}, a(theta, adapter), dw,
         {gradient.data() + adapter.b, rank_, adapter.out});
}

void LowRank::accumulate(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                         NoiseId dropout, const GradientSink& sink,
                         std::span<double, WeightMessage::kScalars> counts) {
  if (!sink.squares.empty()) {
    refuse(
        "adapters have no squared gradients of single examples, which VOGN needs: choose another "
        "rule.name, as ivon, or lora.rank = 0");
  }
  const Theta weights(adapted(stream, theta.values), theta.rounding);
  if (gradient_.size() == 0) reserve(stream, batch.rows, batch.length);
  apply(stream, FillOf<float>{.value = 0, .out = gradient_.data()}, gradient_.size());
  std::size_t missing = adapters_.size();  // whose gradients have not come: the first ones
  const auto take_from = [&](std::size_t first) {
    const std::size_t before = missing;
    while (missing > 0 && adapters_[missing - 1].weight >= first) {
      teach(stream, theta.values, adapters_[--missing], sink.gradient);
    }
    if (missing < before && sink.final_from) sink.final_from(adapters_[missing].a);
  };
  network_->accumulate(stream, weights, batch, dropout,
                       {.gradient = gradient_.span(), .squares = {}, .final_from = take_from},
                       counts);
  take_from(0);
}

void LowRank::evaluate(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                       std::span<double, WeightMessage::kScalars> counts) {
  network_->evaluate(stream, {adapted(stream, theta.values), theta.rounding}, batch, counts);
}

void LowRank::predict(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                      std::span<float> out) {
  network_->predict(stream, {adapted(stream, theta.values), theta.rounding}, batch, out);
}

LowRank* adapters_of(Network& network) { return dynamic_cast<LowRank*>(&network); }

std::vector<std::string> adapted_matrices(const LoraConfig& config,
                                          const std::vector<std::string>& there_are) {
  if (config.targets.empty()) return there_are;
  for (const std::string& target : config.targets) {
    const auto named = [&](const std::string& matrix) { return is_named(matrix, target); };
    if (std::ranges::any_of(there_are, named)) continue;
    refuse("lora.targets: \"" + target +
           "\" is none of the linear maps there are: " + kinds_of(there_are));
  }
  std::vector<std::string> chosen;
  std::ranges::copy_if(there_are, std::back_inserter(chosen), [&](const std::string& matrix) {
    return std::ranges::any_of(config.targets,
                               [&](const std::string& target) { return is_named(matrix, target); });
  });
  return chosen;
}

}  // namespace bayesum
