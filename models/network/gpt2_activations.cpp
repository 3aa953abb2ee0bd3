#include "models/network/gpt2_activations.hpp"

#include <algorithm>
#include <type_traits>

#include "kernels/buffer.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kLogitBytes = std::size_t{256} << 20;

// Cuts pieces out of memory, each aligned as a Buffer is.
class Cutter {
 public:
  explicit Cutter(std::byte* memory) : memory_(memory) {}

  template <class U>
  std::span<U> vector(std::size_t size) {
    constexpr std::size_t kAlign = memory::kAlignment;
    std::byte* const piece = memory_ == nullptr ? nullptr : memory_ + used_;
    used_ += (size * sizeof(U) + kAlign - 1) / kAlign * kAlign;
    return {reinterpret_cast<U*>(piece), piece == nullptr ? 0 : size};
  }
  template <class U>
  MatrixView<U> matrix(std::size_t rows, std::size_t cols) {
    return {vector<U>(rows * cols).data(), rows, cols};
  }
  std::size_t used() const { return used_; }

 private:
  std::byte* memory_;
  std::size_t used_ = 0;
};

template <class T>
BlockActivations<T> block(const Gpt2Shape& shape, const Gpt2Extent& extent, Cutter& cut) {
  const std::size_t tokens = extent.tokens(), channels = shape.channels;
  return {.entrance = {},
          .mean_1 = cut.vector<float>(tokens),
          .rstd_1 = cut.vector<float>(tokens),
          .normal_1 = cut.matrix<T>(tokens, channels),
          .qkv = cut.matrix<T>(tokens, 3 * channels),
          .attended = cut.matrix<T>(tokens, channels),
          .log_sum_exp = cut.matrix<float>(extent.rows * shape.heads, extent.length),
          .middle = cut.matrix<float>(tokens, channels),
          .mean_2 = cut.vector<float>(tokens),
          .rstd_2 = cut.vector<float>(tokens),
          .normal_2 = cut.matrix<T>(tokens, channels),
          .before = cut.matrix<T>(tokens, 4 * channels),
          .hidden = cut.matrix<T>(tokens, 4 * channels)};
}

// Rows of logits at a time: at most kLogitBytes, or one row.
std::size_t head_rows(const Gpt2Shape& shape, std::size_t tokens) {
  return std::min(tokens, std::max<std::size_t>(1, kLogitBytes / sizeof(float) / shape.embedded()));
}

}  // namespace

template <class T>
Gpt2Activations<T>::Gpt2Activations(const Gpt2Config& config, const Gpt2Extent& extent,
                                    std::byte* memory) {
  const Gpt2Shape& shape = config.shape;
  const std::size_t tokens = extent.tokens(), channels = shape.channels;
  Cutter cut(memory);
  for (std::size_t l = 0; l < shape.layers; ++l) {
    const bool own = l == 0 || extent.kept == Kept::kAll;
    blocks.push_back(own ? block<T>(shape, extent, cut) : blocks.front());
    blocks.back().entrance =
        extent.kept == Kept::kNothing ? blocks.back().middle : cut.matrix<float>(tokens, channels);
  }
  passing = cut.matrix<T>(tokens, channels);
  exit = cut.matrix<float>(tokens, channels);
  mean = cut.vector<float>(tokens);
  rstd = cut.vector<float>(tokens);
  normal = cut.matrix<T>(tokens, channels);
  logits = cut.matrix<float>(head_rows(shape, tokens), shape.embedded());
  if (extent.kept != Kept::kNothing) {
    constexpr bool kRounded = !std::is_same_v<T, float>;
    if (kRounded) dlogits = cut.matrix<T>(logits.rows, logits.cols);
    dstream = cut.matrix<float>(tokens, channels);
    if (kRounded || config.dropout > 0) ddelta = cut.matrix<T>(tokens, channels);
    dwide = cut.matrix<T>(tokens, 4 * channels);
  }
  bytes = cut.used();
}

template struct Gpt2Activations<float>;
template struct Gpt2Activations<BFloat16>;

}  // namespace bayesum
