#include "models/network/gpt2_decoder.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "kernels/buffer.hpp"
#include "kernels/error.hpp"
#include "kernels/network/cached_attention.hpp"
#include "kernels/network/cross_entropy.hpp"
#include "models/network/gpt2_activations.hpp"
#include "models/network/gpt2_forward.hpp"
#include "models/network/gpt2_weights.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kPiece = 64;  // tokens of a sequence at a time

[[noreturn]] void refuse(const std::string& why) { throw Error(ExitCode::kUsage, why); }

template <class T>
class Decoder final : public Gpt2Decoder {
 public:
  Decoder(const Stream& stream, const Gpt2Config& config, std::size_t sequences)
      : stream_(stream),
        config_(config),
        space_(gpt2_parameters(config.shape)),
        places_(config.shape, space_),
        sequences_(sequences),
        tokens_(stream.device(), sequences * std::min(kPiece, config.shape.context)) {
    if (sequences == 0) refuse("a decoder of GPT-2 needs at least one sequence");
    const Gpt2Extent extent{sequences, std::min(kPiece, config.shape.context), Kept::kNothing};
    memory_ = Buffer<std::byte>(stream.device(), Gpt2Activations<T>(config, extent, nullptr).bytes);
    const std::size_t size = sequences * config.shape.context * config.shape.channels;
    for (std::size_t l = 0; l < config.shape.layers; ++l) {
      keys_.emplace_back(stream.device(), size);
      values_.emplace_back(stream.device(), size);
    }
  }

  void start(const Theta& theta) override {
    if (theta.values.size() != space_.size()) {
      refuse("a decoder of GPT-2 was given " + std::to_string(theta.values.size()) +
             " parameters where " + std::to_string(space_.size()) + " belong");
    }
    weights_.bind(stream_, theta);
    started_ = true;
    size_ = 0;
  }

  std::size_t sequences() const override { return sequences_; }
  std::size_t size() const override { return size_; }
  std::size_t room() const override { return config_.shape.context - size_; }

  void append(std::span<const std::int32_t> tokens, std::span<float> out) override {
    check(tokens.size(), out.size());
    const std::size_t news = tokens.size() / sequences_;
    std::vector<std::int32_t> piece;
    for (std::size_t first = 0; first < news; first += kPiece) {
      const std::size_t length = std::min(kPiece, news - first);
      piece.clear();
      for (std::size_t s = 0; s < sequences_; ++s) {
        const auto from = tokens.subspan(s * news + first, length);
        piece.insert(piece.end(), from.begin(), from.end());
      }
      run(piece, length, first + length == news ? out : std::span<float>());
      size_ += length;
    }
  }

 private:
  void check(std::size_t tokens, std::size_t out) const {
    if (!started_) refuse("a decoder of GPT-2 was given tokens before parameters");
    if (tokens == 0 || tokens % sequences_ != 0) {
      refuse(std::to_string(tokens) + " tokens cannot be shared by the " +
             std::to_string(sequences_) + " sequences of a decoder");
    }
    if (out != sequences_ * config_.shape.vocabulary) {
      refuse("a decoder of " + std::to_string(sequences_) + " sequences was given " +
             std::to_string(out) + " places for log-probabilities");
    }
    if (tokens / sequences_ > room()) {
      refuse("a text of " + std::to_string(size_) + " and " + std::to_string(tokens / sequences_) +
             " more tokens does not fit the context of " + std::to_string(config_.shape.context) +
             " positions of this GPT-2");
    }
  }

  // The next `length` tokens of each sequence; log-probabilities only where `out` has room.
  void run(std::span<const std::int32_t> tokens, std::size_t length, std::span<float> out) {
    const Gpt2Activations<T> activations(config_, {sequences_, length, Kept::kNothing},
                                         memory_.data());
    const std::span<std::int32_t> here = tokens_.span().first(tokens.size());
    copy<std::int32_t>(stream_, tokens, here);
    const Gpt2Forward<T> forward{stream_, places_, weights_, {}};
    forward.embed(here, length, size_, activations.blocks[0].entrance);
    MatrixView<const float> residual = activations.blocks[0].entrance;
    MatrixView<const T> delta;
    for (std::size_t l = 0; l < places_.blocks.size(); ++l) {
      const BlockActivations<T>& block = activations.blocks[l];
      forward.to_queries(l, residual, delta, block);
      attend(l, block);
      forward.to_hidden(l, block, activations.passing);
      forward.to_delta(l, block, activations.passing);
      residual = block.middle;
      delta = activations.passing;
    }
    if (out.empty()) return;
    forward.finish(residual, delta, activations);
    const MatrixView<T>& normal = activations.normal;
    const MatrixView<const T> last(normal.data + (length - 1) * normal.cols, sequences_,
                                   normal.cols, length * normal.cols);
    const std::size_t rows = activations.logits.rows;
    for (std::size_t first = 0; first < sequences_; first += rows) {
      const std::size_t count = std::min(rows, sequences_ - first);
      const MatrixView<float> logits = activations.logits.row_block(0, count);
      const std::size_t classes = config_.shape.vocabulary;
      forward.to_logits(last.row_block(first, count), logits);
      log_softmax(stream_, logits, classes, out.subspan(first * classes, count * classes));
    }
  }

  void attend(std::size_t l, const BlockActivations<T>& block) {
    const std::size_t rows = sequences_ * config_.shape.context, channels = config_.shape.channels;
    cached_attention(stream_, CachedAttention<T>{.batch = sequences_,
                                                 .heads = config_.shape.heads,
                                                 .cached = size_,
                                                 .qkv = block.qkv,
                                                 .keys = {keys_[l].data(), rows, channels},
                                                 .values = {values_[l].data(), rows, channels},
                                                 .out = block.attended});
  }

  Stream stream_;
  Gpt2Config config_;
  ParameterSpace space_;
  Gpt2Places places_;
  Gpt2Weights<T> weights_;
  std::size_t sequences_;
  std::size_t size_ = 0;
  bool started_ = false;
  Buffer<std::int32_t> tokens_;
  Buffer<std::byte> memory_;
  std::vector<Buffer<T>> keys_, values_;  // of each block: (sequences context) x channels
};

}  // namespace

std::unique_ptr<Gpt2Decoder> make_gpt2_decoder(const Stream& stream, const Gpt2Config& config,
                                               std::size_t sequences) {
  if (config.precision == Precision::kFloat32) {
    return std::make_unique<Decoder<float>>(stream, config, sequences);
  }
  return std::make_unique<Decoder<BFloat16>>(stream, config, sequences);
}

}  // namespace bayesum
