#include "tests/models/network/gpt2_oracle.hpp"

#include <cmath>
#include <string>

namespace bayesum::test {
namespace {

using Row = std::vector<double>;

class Run {
 public:
  Run(const Gpt2Oracle& oracle, std::span<const double> theta) : oracle_(oracle), theta_(theta) {}

  double value(const std::string& tensor, std::size_t i) const {
    return theta_[oracle_.space.tensor(tensor).first + i];
  }

  Row linear(const std::string& name, const Row& x) const {
    const std::size_t out = oracle_.space.tensor(name + ".weight").shape[1];
    Row y(out);
    for (std::size_t j = 0; j < out; ++j) {
      if (oracle_.shape.biases) y[j] = value(name + ".bias", j);
    }
    const double* const w = theta_.data() + oracle_.space.tensor(name + ".weight").first;
    for (std::size_t i = 0; i < x.size(); ++i) {
      for (std::size_t j = 0; j < out; ++j) y[j] += x[i] * w[i * out + j];
    }
    return y;
  }

  Row norm(const std::string& name, const Row& x) const {
    double mean = 0, variance = 0;
    for (const double v : x) mean += v / static_cast<double>(x.size());
    for (const double v : x) variance += (v - mean) * (v - mean) / static_cast<double>(x.size());
    Row y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      y[i] = (x[i] - mean) / std::sqrt(variance + 1e-5) * value(name + ".weight", i);
      if (oracle_.shape.biases) y[i] += value(name + ".bias", i);
    }
    return y;
  }

  // One sequence of queries, keys and values.
  std::vector<Row> attend(const std::vector<Row>& qkv) const {
    const std::size_t channels = oracle_.shape.channels, size = channels / oracle_.shape.heads;
    std::vector<Row> out(qkv.size(), Row(channels));
    for (std::size_t h = 0; h < oracle_.shape.heads; ++h) {
      for (std::size_t t = 0; t < qkv.size(); ++t) {
        Row p(t + 1);
        double total = 0;
        for (std::size_t u = 0; u <= t; ++u) {
          double dot = 0;
          for (std::size_t c = h * size; c < (h + 1) * size; ++c) {
            dot += qkv[t][c] * qkv[u][channels + c];
          }
          p[u] = std::exp(dot / std::sqrt(static_cast<double>(size)));
          total += p[u];
        }
        for (std::size_t u = 0; u <= t; ++u) {
          for (std::size_t c = h * size; c < (h + 1) * size; ++c) {
            out[t][c] += p[u] / total * qkv[u][2 * channels + c];
          }
        }
      }
    }
    return out;
  }

  void drop(std::size_t place, std::size_t token, Row& x) const {
    if (!oracle_.dropout) return;
    for (std::size_t c = 0; c < x.size(); ++c) x[c] *= oracle_.dropout(place, token * x.size() + c);
  }

  // The logits of one sequence, whose first token is number `first` of the text.
  std::vector<Row> sequence(std::span<const std::int32_t> tokens, std::size_t first) const {
    const std::size_t channels = oracle_.shape.channels;
    std::vector<Row> stream(tokens.size(), Row(channels));
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      for (std::size_t c = 0; c < channels; ++c) {
        stream[t][c] = value("wte.weight", static_cast<std::size_t>(tokens[t]) * channels + c) +
                       value("wpe.weight", t * channels + c);
      }
      drop(0, first + t, stream[t]);
    }
    for (std::size_t l = 0; l < oracle_.shape.layers; ++l) block(l, first, stream);
    return heads(stream);
  }

 private:
  void block(std::size_t l, std::size_t first, std::vector<Row>& stream) const {
    const std::string name = "h." + std::to_string(l);
    std::vector<Row> qkv;
    for (const Row& s : stream)
      qkv.push_back(linear(name + ".attn.c_attn", norm(name + ".ln_1", s)));
    const std::vector<Row> attended = attend(qkv);
    for (std::size_t t = 0; t < stream.size(); ++t) {
      add(linear(name + ".attn.c_proj", attended[t]), 1 + 2 * l, first + t, stream[t]);
      Row hidden = linear(name + ".mlp.c_fc", norm(name + ".ln_2", stream[t]));
      for (double& x : hidden) {
        x *= 0.5 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
      }
      add(linear(name + ".mlp.c_proj", hidden), 2 + 2 * l, first + t, stream[t]);
    }
  }

  void add(Row delta, std::size_t place, std::size_t token, Row& stream) const {
    drop(place, token, delta);
    for (std::size_t c = 0; c < delta.size(); ++c) stream[c] += delta[c];
  }

  std::vector<Row> heads(const std::vector<Row>& stream) const {
    std::vector<Row> logits;
    for (const Row& s : stream) {
      const Row normal = norm("ln_f", s);
      logits.emplace_back(oracle_.shape.vocabulary);
      for (std::size_t k = 0; k < oracle_.shape.vocabulary; ++k) {
        for (std::size_t c = 0; c < normal.size(); ++c) {
          logits.back()[k] += normal[c] * value("wte.weight", k * normal.size() + c);
        }
      }
    }
    return logits;
  }

  const Gpt2Oracle& oracle_;
  std::span<const double> theta_;
};

}  // namespace

std::vector<double> Gpt2Oracle::logits(std::span<const double> theta, const Text& text) const {
  const Run run(*this, theta);
  std::vector<double> all;
  for (std::size_t row = 0; row < text.rows; ++row) {
    const std::size_t first = row * text.length;
    for (const Row& logits :
         run.sequence(std::span(text.tokens).subspan(first, text.length), first)) {
      all.insert(all.end(), logits.begin(), logits.end());
    }
  }
  return all;
}

double Gpt2Oracle::loss(std::span<const double> theta, const Text& text) const {
  const std::vector<double> all = logits(theta, text);
  double loss = 0;
  for (std::size_t t = 0; t < text.targets.size(); ++t) {
    if (text.targets[t] == kNoTarget) continue;
    const double* const row = all.data() + t * shape.vocabulary;
    double total = 0;
    for (std::size_t k = 0; k < shape.vocabulary; ++k) total += std::exp(row[k]);
    loss += std::log(total) - row[text.targets[t]];
  }
  return loss;
}

}  // namespace bayesum::test
