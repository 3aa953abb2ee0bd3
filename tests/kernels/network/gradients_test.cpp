#include "kernels/network/gradients.hpp"

#include "kernels/error.hpp"
#include "tests/kernels/network/network_test.hpp"

namespace bayesum::test {
namespace {

template <class T>
class GradientsTest : public NetworkTest<T> {};
TYPED_TEST_SUITE(GradientsTest, StorageTypes);

TYPED_TEST(GradientsTest, ColumnsAreAdded) {
  using T = TypeParam;
  for (const std::size_t rows : kAwkwardSizes) {
    for (const std::size_t cols : {0, 1, 33, 257}) {
      const auto dy = random_values<T>(rows * cols, 1);
      std::vector<double> expected(cols, 2.0);
      for (std::size_t i = 0; i < dy.size(); ++i) {
        expected[i % cols] += wide(static_cast<float>(dy[i]));
      }
      auto d = this->store(dy);
      auto out = this->floats(std::vector<float>(cols, 2.0f));
      add_column_sums(this->stream(), MatrixView<const T>(d.data(), rows, cols), out.span());
      expect_close(out.host(), expected, 4e-5);
    }
  }
  auto d = this->store(std::vector<T>(6));
  auto out = this->floats(std::vector<float>(2));
  EXPECT_THROW(add_column_sums(this->stream(), MatrixView<const T>(d.data(), 2, 3), out.span()),
               Error);
}

// The gradient of each example on its own, squared, then summed.
TYPED_TEST(GradientsTest, SquaresAreOfEachExamplesGradient) {
  using T = TypeParam;
  constexpr double kScale = 0.5;
  for (const std::size_t rows : {0, 1, 33, 256, 4099}) {
    for (const auto& [in, out] : {std::pair<std::size_t, std::size_t>{1, 1}, {31, 7}, {5, 65}}) {
      const auto x = random_values<T>(rows * in, 1), dy = random_values<T>(rows * out, 2);
      std::vector<double> weight(in * out, 1.0), bias(out, -1.0);
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t j = 0; j < out; ++j) {
          const double d = wide(static_cast<float>(dy[r * out + j]));
          bias[j] += kScale * d * d;
          for (std::size_t i = 0; i < in; ++i) {
            const double gradient = wide(static_cast<float>(x[r * in + i])) * d;
            weight[i * out + j] += kScale * gradient * gradient;
          }
        }
      }
      auto dx = this->store(x), ddy = this->store(dy);
      auto weight_sums = this->floats(std::vector<float>(weight.size(), 1.0f));
      auto bias_sums = this->floats(std::vector<float>(bias.size(), -1.0f));
      SquaredGradients<T> op{.x = dx.matrix(rows, in),
                             .dy = ddy.matrix(rows, out),
                             .scale = static_cast<float>(kScale),
                             .weight = weight_sums.matrix(in, out),
                             .bias = bias_sums.span()};
      add_squared_gradients(this->stream(), op);
      expect_close(weight_sums.host(), weight, 1e-5);
      expect_close(bias_sums.host(), bias, 1e-5);
      op.bias = bias_sums.span().first(0);
      EXPECT_NO_THROW(add_squared_gradients(this->stream(), op));
      op.weight = weight_sums.matrix(in, out + 1);
      EXPECT_THROW(add_squared_gradients(this->stream(), op), Error);
    }
  }
}

}  // namespace
}  // namespace bayesum::test
