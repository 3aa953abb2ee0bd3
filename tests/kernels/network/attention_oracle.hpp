#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace bayesum::test {

// Causal attention in float64, a score at a time. Rows of qkv are [Q | K | V], head after head.
struct AttentionOracle {
  std::size_t batch, sequence, heads, size;
  std::vector<double> qkv;

  std::size_t channels() const { return heads * size; }
  std::size_t rows() const { return batch * sequence; }
  std::size_t query(std::size_t b, std::size_t t, std::size_t h) const {
    return (b * sequence + t) * 3 * channels() + h * size;
  }
  std::size_t out_index(std::size_t b, std::size_t t, std::size_t h) const {
    return (b * sequence + t) * channels() + h * size;
  }

  std::vector<double> scores(std::size_t b, std::size_t t, std::size_t h) const {
    std::vector<double> row;
    for (std::size_t u = 0; u <= t; ++u) {
      double sum = 0.0;
      for (std::size_t c = 0; c < size; ++c) {
        sum += qkv[query(b, t, h) + c] * qkv[query(b, u, h) + channels() + c];
      }
      row.push_back(sum / std::sqrt(static_cast<double>(size)));
    }
    return row;
  }

  double log_sum_exp(std::size_t b, std::size_t t, std::size_t h) const {
    double largest = -HUGE_VAL, sum = 0.0;
    const std::vector<double> row = scores(b, t, h);
    for (const double s : row) largest = std::fmax(largest, s);
    for (const double s : row) sum += std::exp(s - largest);
    return largest + std::log(sum);
  }

  std::vector<double> probabilities(std::size_t b, std::size_t t, std::size_t h) const {
    std::vector<double> row = scores(b, t, h);
    const double level = log_sum_exp(b, t, h);
    for (double& s : row) s = std::exp(s - level);
    return row;
  }

  template <class Visit>
  void each(const Visit& visit) const {
    for (std::size_t b = 0; b < batch; ++b) {
      for (std::size_t t = 0; t < sequence; ++t) {
        for (std::size_t h = 0; h < heads; ++h) visit(b, t, h);
      }
    }
  }

  // (batch heads) x sequence
  std::vector<double> log_sum_exps() const {
    std::vector<double> all(rows() * heads);
    each([&](std::size_t b, std::size_t t, std::size_t h) {
      all[(b * heads + h) * sequence + t] = log_sum_exp(b, t, h);
    });
    return all;
  }

  std::vector<double> forward() const {
    std::vector<double> out(rows() * channels());
    each([&](std::size_t b, std::size_t t, std::size_t h) {
      const std::vector<double> p = probabilities(b, t, h);
      for (std::size_t u = 0; u <= t; ++u) {
        for (std::size_t c = 0; c < size; ++c) {
          out[out_index(b, t, h) + c] += p[u] * qkv[query(b, u, h) + 2 * channels() + c];
        }
      }
    });
    return out;
  }

  // Through the whole Jacobian of the softmax: d p_u / d s_v = p_u ([u = v] - p_v).
  std::vector<double> backward(const std::vector<double>& dout) const {
    std::vector<double> d(qkv.size());
    const double scale = 1.0 / std::sqrt(static_cast<double>(size));
    each([&](std::size_t b, std::size_t t, std::size_t h) {
      const std::vector<double> p = probabilities(b, t, h);
      std::vector<double> dp(t + 1);
      for (std::size_t u = 0; u <= t; ++u) {
        const std::size_t value = query(b, u, h) + 2 * channels();
        for (std::size_t c = 0; c < size; ++c) {
          dp[u] += dout[out_index(b, t, h) + c] * qkv[value + c];
          d[value + c] += p[u] * dout[out_index(b, t, h) + c];
        }
      }
      for (std::size_t v = 0; v <= t; ++v) {
        double ds = 0.0;
        for (std::size_t u = 0; u <= t; ++u) ds += dp[u] * p[u] * ((u == v ? 1.0 : 0.0) - p[v]);
        const std::size_t key = query(b, v, h) + channels();
        for (std::size_t c = 0; c < size; ++c) {
          d[query(b, t, h) + c] += scale * ds * qkv[key + c];
          d[key + c] += scale * ds * qkv[query(b, t, h) + c];
        }
      }
    });
    return d;
  }
};

}  // namespace bayesum::test
