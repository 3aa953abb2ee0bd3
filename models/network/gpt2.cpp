#include "models/network/gpt2.hpp"

#include <type_traits>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

using Passes = std::variant<Gpt2Pass<float>, Gpt2Pass<BFloat16>>;

Passes make_pass(const Gpt2Config& config, const ParameterSpace& space) {
  if (config.precision == Precision::kFloat32) {
    return Passes(std::in_place_type<Gpt2Pass<float>>, config, space);
  }
  return Passes(std::in_place_type<Gpt2Pass<BFloat16>>, config, space);
}

[[noreturn]] void refuse(const std::string& why) { throw Error(ExitCode::kUsage, why); }

void check_size(const char* what, std::size_t size, std::size_t expected) {
  if (size == expected) return;
  refuse("GPT-2 was given " + std::to_string(size) + " " + what + " where " +
         std::to_string(expected) + " belong");
}

}  // namespace

Gpt2::Gpt2(const Gpt2Config& config)
    : config_(config),
      parameters_(gpt2_parameters(config.shape)),
      pass_(make_pass(config_, parameters_)) {
  if (!(config.dropout >= 0 && config.dropout < 1)) {
    refuse("a dropout of " + std::to_string(config.dropout) + " is outside 0 <= dropout < 1");
  }
}

void Gpt2::check(std::span<const float> theta, const ExampleBatch& batch, bool with_targets) const {
  const std::size_t tokens = batch.rows * batch.length;
  if (tokens == 0) refuse("GPT-2 was given a batch of no tokens");
  if (batch.length > config_.shape.context) {
    refuse("sequences of " + std::to_string(batch.length) + " tokens do not fit the context of " +
           std::to_string(config_.shape.context) + " positions of this GPT-2");
  }
  check_size("parameters", theta.size(), parameters_.size());
  check_size("tokens", batch.tokens.size(), tokens);
  if (with_targets) check_size("targets", batch.targets.size(), tokens);
}

void Gpt2::reserve(const Stream& stream, std::size_t rows, std::size_t length) {
  std::visit(
      [&](auto& pass) {
        pass.reserve(stream, {rows, length, kept_in_training(config_)});
      },
      pass_);
}

void Gpt2::accumulate(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                      NoiseId dropout, const GradientSink& sink,
                      std::span<double, WeightMessage::kScalars> counts) {
  check(theta.values, batch, true);
  check_size("elements of a gradient", sink.gradient.size(), parameters_.size());
  if (!sink.squares.empty()) {
    refuse(
        "GPT-2 has no squared gradients of single examples, which VOGN needs: each of its weights "
        "is used at every token; choose another rule.name, as ivon");
  }
  std::visit([&](auto& pass) { pass.accumulate(stream, theta, batch, dropout, sink, counts); },
             pass_);
}

void Gpt2::evaluate(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                    std::span<double, WeightMessage::kScalars> counts) {
  check(theta.values, batch, true);
  std::visit([&](auto& pass) { pass.evaluate(stream, theta, batch, counts); }, pass_);
}

void Gpt2::predict(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                   std::span<float> out) {
  check(theta.values, batch, false);
  check_size("places for log-probabilities", out.size(), batch.rows * batch.length * outputs());
  std::visit([&](auto& pass) { pass.predict(stream, theta, batch, out); }, pass_);
}

}  // namespace bayesum
