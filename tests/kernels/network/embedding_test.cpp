#include "kernels/network/embedding.hpp"

#include "kernels/error.hpp"
#include "tests/kernels/network/network_test.hpp"

namespace bayesum::test {
namespace {

constexpr std::size_t kVocabulary = 11;

std::vector<std::int32_t> random_tokens(std::size_t rows) {
  std::vector<std::int32_t> tokens;
  for (const double value : random_vector(rows, 9, 0.0, kVocabulary)) {
    tokens.push_back(static_cast<std::int32_t>(value));
  }
  return tokens;
}

struct Shape {
  std::size_t batch, sequence, channels;
};
const std::vector<Shape> kShapes{{0, 3, 4},   {1, 1, 1},  {3, 5, 31},
                                 {2, 33, 64}, {7, 6, 65}, {31, 8, 257}};

template <class T>
class EmbeddingTest : public NetworkTest<T> {};
TYPED_TEST_SUITE(EmbeddingTest, StorageTypes);

TYPED_TEST(EmbeddingTest, ForwardAddsTheRowsOfTokenAndPosition) {
  using T = TypeParam;
  constexpr std::size_t kFirst = 2;
  for (const Shape s : kShapes) {
    const std::size_t rows = s.batch * s.sequence, positions = s.sequence + kFirst;
    const auto tokens = random_tokens(rows);
    const auto words = random_values<T>(kVocabulary * s.channels, 1);
    const auto places = random_values<T>(positions * s.channels, 2);
    Guarded<std::int32_t> dtokens(this->stream(), tokens);
    auto dwords = this->store(words), dplaces = this->store(places);
    auto out = this->floats(std::vector<float>(rows * s.channels, std::nanf("")));
    Embedding<T> op{.tokens = dtokens.span(),
                    .sequence = s.sequence,
                    .first_position = kFirst,
                    .token_table = dwords.matrix(kVocabulary, s.channels),
                    .position_table = dplaces.matrix(positions, s.channels),
                    .out = out.matrix(rows, s.channels)};
    embed(this->stream(), op);
    std::vector<double> expected, tokens_alone;
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t j = 0; j < s.channels; ++j) {
        const auto word = static_cast<std::size_t>(tokens[r]) * s.channels + j;
        const auto place = (kFirst + r % s.sequence) * s.channels + j;
        tokens_alone.push_back(wide(static_cast<float>(words[word])));
        expected.push_back(tokens_alone.back() + wide(static_cast<float>(places[place])));
      }
    }
    expect_close(out.host(), expected, 1e-7);
    op.position_table = {};
    embed(this->stream(), op);
    expect_close(out.host(), tokens_alone, 0.0);
  }
}

TYPED_TEST(EmbeddingTest, ATokenOutsideTheTableIsNotANumber) {
  using T = TypeParam;
  Guarded<std::int32_t> tokens(this->stream(), {0, 2, -1, 1});
  auto table = this->store(random_values<T>(6, 1));
  auto out = this->floats(std::vector<float>(12));
  embed(this->stream(),
        Embedding<T>{
            .tokens = tokens.span(), .token_table = table.matrix(2, 3), .out = out.matrix(4, 3)});
  const std::vector<float> result = out.host();
  for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(std::isnan(result[i]), i / 3 == 1 || i / 3 == 2);
  auto table_gradient = this->floats(std::vector<float>(6));
  embed_backward(this->stream(), EmbeddingBackward{.tokens = tokens.span(),
                                                   .dout = out.matrix(4, 3),
                                                   .token_gradient = table_gradient.matrix(2, 3)});
  for (const float value : table_gradient.host()) EXPECT_FALSE(std::isnan(value));
}

TYPED_TEST(EmbeddingTest, PositionsPastTheirTableAreErrors) {
  using T = TypeParam;
  Guarded<std::int32_t> tokens(this->stream(), {0, 0});
  auto table = this->store(std::vector<T>(6));
  auto out = this->floats(std::vector<float>(6));
  Embedding<T> op{.tokens = tokens.span(),
                  .sequence = 2,
                  .token_table = table.matrix(2, 3),
                  .position_table = table.matrix(2, 3),
                  .out = out.matrix(2, 3)};
  EXPECT_NO_THROW(embed(this->stream(), op));
  op.first_position = 1;
  EXPECT_THROW(embed(this->stream(), op), Error);
  op.sequence = 0;
  EXPECT_THROW(embed(this->stream(), op), Error);
}

using EmbeddingBackwardTest = NetworkTest<float>;

TEST_F(EmbeddingBackwardTest, EveryRowGoesToItsTokenAndPosition) {
  for (const Shape s : kShapes) {
    const std::size_t rows = s.batch * s.sequence;
    const auto tokens = random_tokens(rows);
    const auto dout = random_values<float>(rows * s.channels, 1);
    std::vector<double> words(kVocabulary * s.channels, 0.5), places(s.sequence * s.channels, -1.0);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t j = 0; j < s.channels; ++j) {
        const double d = wide(dout[r * s.channels + j]);
        words[static_cast<std::size_t>(tokens[r]) * s.channels + j] += d;
        places[r % s.sequence * s.channels + j] += d;
      }
    }
    Guarded<std::int32_t> dtokens(stream(), tokens);
    auto d = floats(dout), dwords = floats(std::vector<float>(words.size(), 0.5f));
    auto dplaces = floats(std::vector<float>(places.size(), -1.0f));
    embed_backward(stream(), {.tokens = dtokens.span(),
                              .sequence = s.sequence,
                              .dout = d.matrix(rows, s.channels),
                              .token_gradient = dwords.matrix(kVocabulary, s.channels),
                              .position_gradient = dplaces.matrix(s.sequence, s.channels)});
    expect_close(dwords.host(), words, 2e-6);
    expect_close(dplaces.host(), places, 2e-6);
  }
}

// Sums of floats depend on their order, which is that of the rows: the same bits, however many.
TEST_F(EmbeddingBackwardTest, ManyRowsAreAddedInTheirOrder) {
  constexpr std::size_t kRows = 5003, kChannels = 3, kSequence = 7;
  for (const std::size_t vocabulary : {1, 11, 4099}) {
    std::vector<std::int32_t> tokens;
    for (const double value : random_vector(kRows, 3, -2.0, static_cast<double>(vocabulary) + 2)) {
      tokens.push_back(static_cast<std::int32_t>(std::floor(value)));
    }
    const auto dout = random_values<float>(kRows * kChannels, 1);
    std::vector<float> words(vocabulary * kChannels, 0.5f), places(kSequence * kChannels, -1.0f);
    for (std::size_t i = 0; i < dout.size(); ++i) {
      const std::size_t row = i / kChannels, column = i % kChannels;
      places[row % kSequence * kChannels + column] += dout[i];
      if (tokens[row] < 0 || tokens[row] >= static_cast<std::int32_t>(vocabulary)) continue;
      words[static_cast<std::size_t>(tokens[row]) * kChannels + column] += dout[i];
    }
    Guarded<std::int32_t> dtokens(stream(), tokens);
    auto d = floats(dout), dwords = floats(std::vector<float>(words.size(), 0.5f));
    auto dplaces = floats(std::vector<float>(places.size(), -1.0f));
    embed_backward(stream(), {.tokens = dtokens.span(),
                              .sequence = kSequence,
                              .dout = d.matrix(kRows, kChannels),
                              .token_gradient = dwords.matrix(vocabulary, kChannels),
                              .position_gradient = dplaces.matrix(kSequence, kChannels)});
    expect_close(dwords.host(), wide(words), 0.0);
    expect_close(dplaces.host(), wide(places), 0.0);
  }
}

}  // namespace
}  // namespace bayesum::test
