#include <gtest/gtest.h>
#include <omp.h>

#include <bit>
#include <functional>

#include "kernels/network/activation.hpp"
#include "kernels/network/attention.hpp"
#include "kernels/network/cross_entropy.hpp"
#include "kernels/network/dropout.hpp"
#include "kernels/network/embedding.hpp"
#include "kernels/network/gradients.hpp"
#include "kernels/network/layer_norm.hpp"
#include "kernels/network/matmul.hpp"
#include "tests/kernels/network/network_test.hpp"

namespace bayesum::test {
namespace {

template <class T>
class NetworkThreadsTest : public NetworkTest<T> {
 protected:
  // What `operation` returns has the same bits with any number of threads.
  void expect_same_bits(const std::function<std::vector<float>()>& operation) {
    const int before = omp_get_max_threads();
    omp_set_num_threads(1);
    const std::vector<std::uint32_t> alone = bits(operation());
    EXPECT_FALSE(alone.empty());
    for (const int threads : {2, 3, 7}) {
      omp_set_num_threads(threads);
      EXPECT_TRUE(alone == bits(operation())) << threads << " threads";
    }
    omp_set_num_threads(before);
  }

  // Appends to `all`.
  template <class U>
  static void append(std::vector<float>& all, const std::vector<U>& more) {
    for (const U value : more) all.push_back(static_cast<float>(value));
  }

 private:
  static std::vector<std::uint32_t> bits(const std::vector<float>& values) {
    std::vector<std::uint32_t> result;
    for (const float value : values) result.push_back(std::bit_cast<std::uint32_t>(value));
    return result;
  }
};
TYPED_TEST_SUITE(NetworkThreadsTest, StorageTypes);

constexpr std::size_t kRows = 2003, kCols = 137;

TYPED_TEST(NetworkThreadsTest, Products) {
  using T = TypeParam;
  const auto a = random_values<T>(kRows * kCols, 1), b = random_values<T>(kCols * kCols, 2);
  const MatrixView<const T> rows(a.data(), kRows, kCols), square(b.data(), kCols, kCols);
  this->expect_same_bits([&] {
    std::vector<float> all(kCols * kCols);
    std::vector<T> c(kRows * kCols), pre(c), y(c);
    matmul(this->stream(), {.transpose_a = Transpose::kYes}, rows, rows,
           MatrixView<float>(all.data(), kCols, kCols));
    matmul(this->stream(), {.transpose_b = Transpose::kYes}, rows, square,
           MatrixView<T>(c.data(), kRows, kCols));
    matmul_gelu(this->stream(), {}, rows, square, MatrixView<T>(pre.data(), kRows, kCols),
                MatrixView<T>(y.data(), kRows, kCols));
    this->append(all, c);
    this->append(all, y);
    return all;
  });
}

TYPED_TEST(NetworkThreadsTest, GradientsOfParameters) {
  using T = TypeParam;
  const auto dy = random_values<T>(kRows * kCols, 1);
  const auto x = random_values<float>(kRows * kCols, 2), gain = random_values<float>(kCols, 3);
  const std::vector<float> mean(kRows, 0.1f), rstd(kRows, 1.5f);
  std::vector<std::int32_t> tokens;
  for (std::size_t r = 0; r < kRows; ++r) tokens.push_back(static_cast<std::int32_t>(r * r % 7));
  const MatrixView<const T> dy_view(dy.data(), kRows, kCols);
  const MatrixView<const float> x_view(x.data(), kRows, kCols);
  this->expect_same_bits([&] {
    std::vector<float> all(3 * kCols), dx(kRows * kCols), table(7 * kCols), place(10 * kCols);
    std::vector<float> squares(kCols * kCols);
    const std::span<float> sums(all);
    add_column_sums(this->stream(), dy_view, sums.first(kCols));
    layer_norm_backward(this->stream(),
                        LayerNormBackward<T>{.sum = x_view,
                                             .dy = dy_view,
                                             .gain = gain,
                                             .mean = mean,
                                             .rstd = rstd,
                                             .dsum = {dx.data(), kRows, kCols},
                                             .gain_gradient = sums.subspan(kCols, kCols),
                                             .bias_gradient = sums.last(kCols)});
    embed_backward(this->stream(), {.tokens = tokens,
                                    .sequence = 10,
                                    .dout = x_view,
                                    .token_gradient = {table.data(), 7, kCols},
                                    .position_gradient = {place.data(), 10, kCols}});
    add_squared_gradients(
        this->stream(),
        SquaredGradients<T>{.x = dy_view, .dy = dy_view, .weight = {squares.data(), kCols, kCols}});
    for (const auto& more : {dx, table, place, squares}) this->append(all, more);
    return all;
  });
}

TYPED_TEST(NetworkThreadsTest, Attention) {
  using T = TypeParam;
  constexpr std::size_t kSequence = 70, kHeads = 5, kChannels = 100, kTokens = 3 * kSequence;
  const auto qkv = random_values<T>(kTokens * 3 * kChannels, 1);
  const auto dout = random_values<T>(kTokens * kChannels, 2);
  this->expect_same_bits([&] {
    std::vector<T> out(kTokens * kChannels), dqkv(qkv.size());
    std::vector<float> level(kTokens * kHeads), all;
    const MatrixView<const T> in(qkv.data(), kTokens, 3 * kChannels);
    attention(this->stream(),
              bayesum::Attention<T>{.sequence = kSequence,
                                    .heads = kHeads,
                                    .qkv = in,
                                    .out = {out.data(), kTokens, kChannels},
                                    .log_sum_exp = {level.data(), 3 * kHeads, kSequence}});
    attention_backward(this->stream(),
                       AttentionBackward<T>{.sequence = kSequence,
                                            .heads = kHeads,
                                            .qkv = in,
                                            .out = {out.data(), kTokens, kChannels},
                                            .log_sum_exp = {level.data(), 3 * kHeads, kSequence},
                                            .dout = {dout.data(), kTokens, kChannels},
                                            .dqkv = {dqkv.data(), kTokens, 3 * kChannels}});
    this->append(all, out);
    this->append(all, level);
    this->append(all, dqkv);
    return all;
  });
}

TYPED_TEST(NetworkThreadsTest, LossesAndNoise) {
  using T = TypeParam;
  const auto logits = random_values<T>(kRows * kCols, 1, -5.0, 5.0);
  const auto x = random_values<float>(kRows * kCols, 2);
  const std::vector<std::int32_t> targets(kRows, 3);
  const float log_precision = 0.5f;
  this->expect_same_bits([&] {
    std::vector<T> z(logits), f(logits), dropped(logits);
    std::vector<double> sums(2 * kLossSums);
    cross_entropy(this->stream(), CrossEntropy<T>{.logits = {z.data(), kRows, kCols},
                                                  .classes = kCols,
                                                  .targets = targets,
                                                  .sums = std::span(sums).first(kLossSums)});
    squared_error(this->stream(), SquaredError<T>{.output = {f.data(), kRows, kCols},
                                                  .target = {x.data(), kRows, kCols},
                                                  .log_precision = &log_precision,
                                                  .sums = std::span(sums).last(kLossSums)});
    dropout(
        this->stream(),
        Dropout<T>{.id = {1, 2, 3}, .first_index = 3, .rate = 0.2f, .x = logits, .out = dropped});
    std::vector<float> all;
    for (const double sum : sums) {
      const auto whole = std::bit_cast<std::uint64_t>(sum);
      all.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(whole)));
      all.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(whole >> 32)));
    }
    this->append(all, z);
    this->append(all, f);
    this->append(all, dropped);
    return all;
  });
}

}  // namespace
}  // namespace bayesum::test
