#include "kernels/network/attention.hpp"

#include "kernels/error.hpp"
#include "kernels/network/cached_attention.hpp"
#include "kernels/network/cudnn_attention.hpp"
#include "tests/kernels/network/attention_oracle.hpp"
#include "tests/kernels/network/network_test.hpp"

namespace bayesum::test {
namespace {

struct Shape {
  std::size_t batch, sequence, heads, size;
};

std::vector<Shape> shapes() {
  std::vector<Shape> shapes{{2, 1, 1, 1},   {3, 5, 2, 3},   {1, 64, 1, 128},
                            {2, 47, 3, 16}, {1, 48, 2, 48}, {1, 300, 1, 80}};
  for (const std::size_t sequence : {31, 32, 33, 63, 65}) shapes.push_back({2, sequence, 2, 20});
  for (const std::size_t sequence : {255, 256, 257}) shapes.push_back({1, sequence, 2, 64});
  return shapes;
}

template <class T>
AttentionOracle oracle_of(Shape s, const std::vector<T>& qkv) {
  return {s.batch, s.sequence, s.heads, s.size, wide(qkv)};
}

template <class T>
std::vector<T> random_qkv(Shape s) {
  return random_values<T>(s.batch * s.sequence * 3 * s.heads * s.size, 7, -2.0, 2.0);
}

template <class T>
class AttentionTest : public NetworkTest<T> {
 protected:
  // visit(shape), in memory at odd addresses and at even ones.
  template <class Visit>
  void for_each_shape(const Visit& visit) {
    for (const std::size_t guards : {kOddGuards, kEvenGuards}) {
      this->guards_ = guards;
      for (const Shape s : shapes()) visit(s);
    }
  }

  // What cuDNN is to be found able to do, where the program has it.
  bool is_for_cudnn([[maybe_unused]] Shape s) const {
#ifdef BAYESUM_WITH_CUDNN
    return this->stream().on_cuda() && !std::is_same_v<T, float> && this->guards_ == kEvenGuards &&
           s.size % 8 == 0;
#else
    return false;
#endif
  }
};
TYPED_TEST_SUITE(AttentionTest, StorageTypes);

// cuDNN rounds probabilities, and sums scores on tensor cores.
TYPED_TEST(AttentionTest, ForwardMatchesTheSumOverAllScores) {
  using T = TypeParam;
  this->for_each_shape([&](Shape s) {
    const std::vector<T> qkv = random_qkv<T>(s);
    const AttentionOracle oracle = oracle_of(s, qkv);
    auto in = this->store(qkv);
    auto out = this->empty(oracle.rows() * oracle.channels());
    auto level = this->floats(std::vector<float>(oracle.rows() * s.heads));
    const Attention<T> op{.sequence = s.sequence,
                          .heads = s.heads,
                          .qkv = in.matrix(oracle.rows(), 3 * oracle.channels()),
                          .out = out.matrix(oracle.rows(), oracle.channels()),
                          .log_sum_exp = level.matrix(s.batch * s.heads, s.sequence)};
    attention(this->stream(), op);
    const bool rounded = this->is_for_cudnn(s);
    expect_close(out.host(), oracle.forward(), (rounded ? 2 : 1) * this->kTolerance);
    expect_close(level.host(), oracle.log_sum_exps(), rounded ? 2e-5 : 2e-6);
    if constexpr (!std::is_same_v<T, float>) {
      if (!this->stream().on_cuda()) return;
      EXPECT_EQ(cuda::attention_by_cudnn(this->stream(), op), rounded);
    }
  });
}

TYPED_TEST(AttentionTest, BackwardMatchesTheWholeJacobian) {
  using T = TypeParam;
  this->for_each_shape([&](Shape s) {
    const std::vector<T> qkv = random_qkv<T>(s);
    const AttentionOracle oracle = oracle_of(s, qkv);
    const std::size_t rows = oracle.rows(), channels = oracle.channels();
    const std::vector<T> dout = random_values<T>(rows * channels, 8);
    std::vector<T> result;
    std::vector<float> levels;
    for (const double value : oracle.forward()) {
      result.push_back(static_cast<T>(static_cast<float>(value)));
    }
    for (const double value : oracle.log_sum_exps()) levels.push_back(static_cast<float>(value));
    auto in = this->store(qkv), out = this->store(result), d = this->store(dout);
    auto level = this->floats(levels);
    auto dqkv = this->empty(qkv.size());
    const AttentionBackward<T> op{.sequence = s.sequence,
                                  .heads = s.heads,
                                  .qkv = in.matrix(rows, 3 * channels),
                                  .out = out.matrix(rows, channels),
                                  .log_sum_exp = level.matrix(s.batch * s.heads, s.sequence),
                                  .dout = d.matrix(rows, channels),
                                  .dqkv = dqkv.matrix(rows, 3 * channels)};
    attention_backward(this->stream(), op);
    // dout . out is of outputs that T has rounded, each by kRounding of at most 2.
    const double of_sums = 2.0 * this->kRounding * std::sqrt(static_cast<double>(s.size));
    expect_close(dqkv.host(), oracle.backward(wide(dout)), 4e-6 + of_sums, 1.0);
    if constexpr (!std::is_same_v<T, float>) {
      if (!this->stream().on_cuda()) return;
      EXPECT_EQ(cuda::attention_backward_by_cudnn(this->stream(), op), this->is_for_cudnn(s));
    }
  });
}

TEST(AttentionOracleTest, BackwardMatchesFiniteDifferences) {
  AttentionOracle oracle{2, 5, 2, 3, random_vector(2 * 5 * 18, 1)};
  const std::vector<double> dout = random_vector(2 * 5 * 6, 2);
  const std::vector<double> expected = finite_differences(oracle.qkv, [&](const auto& qkv) {
    AttentionOracle moved = oracle;
    moved.qkv = qkv;
    return dot(moved.forward(), dout);
  });
  expect_near(oracle.backward(dout), expected, 1e-8);
}

TYPED_TEST(AttentionTest, LargeScoresStayFinite) {
  using T = TypeParam;
  const Shape s{1, 70, 1, 16};
  std::vector<T> qkv = random_qkv<T>(s);
  for (T& value : qkv) value = static_cast<T>(100.0f * static_cast<float>(value));
  const AttentionOracle oracle = oracle_of(s, qkv);
  auto in = this->store(qkv);
  auto out = this->empty(70 * 16);
  auto level = this->floats(std::vector<float>(70));
  attention(this->stream(), Attention<T>{.sequence = 70,
                                         .heads = 1,
                                         .qkv = in.matrix(70, 48),
                                         .out = out.matrix(70, 16),
                                         .log_sum_exp = level.matrix(1, 70)});
  // A score of 1e5 is known to 1e-2: what is sure is its largest key, where one stands out.
  expect_close(level.host(), oracle.log_sum_exps(), 1e-6);
  for (const T value : out.host()) ASSERT_LE(std::fabs(static_cast<float>(value)), 201.0f);
}

TYPED_TEST(AttentionTest, CachedTokensSeeWhatWholeSequencesSee) {
  using T = TypeParam;
  const Shape s{3, 37, 2, 20};
  const std::size_t channels = s.heads * s.size, capacity = 40;
  const std::vector<T> qkv = random_qkv<T>(s);
  const AttentionOracle oracle = oracle_of(s, qkv);
  const std::vector<double> expected = oracle.forward();
  auto keys = this->empty(s.batch * capacity * channels);
  auto values = this->empty(s.batch * capacity * channels);
  std::size_t cached = 0;
  for (const std::size_t news : {1, 5, 1, 1, 29}) {
    std::vector<T> rows;
    std::vector<double> rows_out;
    for (std::size_t b = 0; b < s.batch; ++b) {
      const auto first = static_cast<std::ptrdiff_t>(oracle.query(b, cached, 0));
      const auto first_out = static_cast<std::ptrdiff_t>(oracle.out_index(b, cached, 0));
      const auto count = static_cast<std::ptrdiff_t>(news * channels);
      rows.insert(rows.end(), qkv.begin() + first, qkv.begin() + first + 3 * count);
      rows_out.insert(rows_out.end(), expected.begin() + first_out,
                      expected.begin() + first_out + count);
    }
    auto in = this->store(rows);
    auto out = this->empty(s.batch * news * channels);
    cached_attention(this->stream(),
                     CachedAttention<T>{.batch = s.batch,
                                        .heads = s.heads,
                                        .cached = cached,
                                        .qkv = in.matrix(s.batch * news, 3 * channels),
                                        .keys = keys.matrix(s.batch * capacity, channels),
                                        .values = values.matrix(s.batch * capacity, channels),
                                        .out = out.matrix(s.batch * news, channels)});
    expect_close(out.host(), rows_out, this->kTolerance);
    cached += news;
  }
  auto in = this->empty(s.batch * 4 * 3 * channels), out = this->empty(s.batch * 4 * channels);
  const CachedAttention<T> full{.batch = s.batch,
                                .heads = s.heads,
                                .cached = cached,
                                .qkv = in.matrix(s.batch * 4, 3 * channels),
                                .keys = keys.matrix(s.batch * capacity, channels),
                                .values = values.matrix(s.batch * capacity, channels),
                                .out = out.matrix(s.batch * 4, channels)};
  EXPECT_THROW(cached_attention(this->stream(), full), Error);
}

TYPED_TEST(AttentionTest, ShapesThatDoNotFitAreErrors) {
  using T = TypeParam;
  auto in = this->store(std::vector<T>(10 * 12)), out = this->store(std::vector<T>(40));
  auto level = this->floats(std::vector<float>(20));
  Attention<T> op{.sequence = 5,
                  .heads = 2,
                  .qkv = in.matrix(10, 12),
                  .out = out.matrix(10, 4),
                  .log_sum_exp = level.matrix(4, 5)};
  EXPECT_NO_THROW(attention(this->stream(), op));
  op.sequence = 3;
  EXPECT_THROW(attention(this->stream(), op), Error);
  op.sequence = 5;
  op.heads = 3;
  EXPECT_THROW(attention(this->stream(), op), Error);
}

TYPED_TEST(AttentionTest, WhatTheDeviceCannotDoIsKnownBefore) {
  for (const bool backward : {false, true}) {
    EXPECT_NO_THROW(check_attention(this->stream(), 64, backward));
    if (this->stream().on_cuda()) {
      EXPECT_THROW(check_attention(this->stream(), 129, backward), Error);
    } else {
      EXPECT_NO_THROW(check_attention(this->stream(), 129, backward));
    }
  }
}

}  // namespace
}  // namespace bayesum::test
