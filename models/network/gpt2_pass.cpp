#include "models/network/gpt2_pass.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "core/data/memory.hpp"
#include "core/examples/examples.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/error.hpp"
#include "kernels/network/attention.hpp"
#include "kernels/network/cross_entropy.hpp"
#include "models/network/add_counts.hpp"

namespace bayesum {
namespace {

static_assert(kNoTarget == kIgnoredTarget);

void check_fits(const Gpt2Extent& extent, std::size_t bytes, Device device) {
  const std::size_t usable = device.kind == DeviceKind::kCpu ? usable_memory_bytes() : 0;
  if (usable == 0 || bytes <= usable) return;
  throw Error(ExitCode::kDevice, "a batch of " + std::to_string(extent.rows) + " sequences of " +
                                     std::to_string(extent.length) +
                                     " tokens does not fit in memory: it needs " +
                                     std::to_string(bytes) + " bytes for activations, there are " +
                                     std::to_string(usable));
}

}  // namespace

template <class T>
Gpt2Pass<T>::Gpt2Pass(const Gpt2Config& config, const ParameterSpace& space)
    : config_(config), places_(config.shape, space), activations_(config, {}, nullptr) {}

template <class T>
void Gpt2Pass<T>::reserve(const Stream& stream, const Gpt2Extent& extent) {
  const bool here = sums_.size() != 0 && sums_.device() == stream.device();
  if (here && extent == extent_) return;
  check_attention(stream, config_.shape.channels / config_.shape.heads,
                  extent.kept != Kept::kNothing);
  const std::size_t bytes = Gpt2Activations<T>(config_, extent, nullptr).bytes;
  if (!here || bytes > memory_.size()) {
    memory_ = {};
    check_fits(extent, bytes, stream.device());
    memory_ = Buffer<std::byte>(stream.device(), bytes);
    sums_ = Buffer<double>(stream.device(), kLossSums);
  }
  activations_ = Gpt2Activations<T>(config_, extent, memory_.data());
  extent_ = extent;
}

template <class T>
Gpt2Forward<T> Gpt2Pass<T>::forward(const Stream& stream, const Theta& theta,
                                    const ExampleBatch& batch, Kept kept,
                                    const Gpt2Dropout& dropout) {
  reserve(stream, {batch.rows, batch.length, kept});
  weights_.bind(stream, theta);
  const Gpt2Forward<T> forward{stream, places_, weights_, dropout};
  const std::vector<BlockActivations<T>>& blocks = activations_.blocks;
  forward.embed(batch.tokens, batch.length, 0, blocks[0].entrance);
  MatrixView<const float> residual = blocks[0].entrance;
  MatrixView<const T> delta;
  for (std::size_t l = 0; l < blocks.size(); ++l) {
    forward.to_queries(l, residual, delta, blocks[l]);
    attend(stream, blocks[l]);
    forward.to_hidden(l, blocks[l], activations_.passing);
    forward.to_delta(l, blocks[l], activations_.passing);
    residual = blocks[l].middle;
    delta = activations_.passing;
  }
  forward.finish(residual, delta, activations_);
  return forward;
}

template <class T>
void Gpt2Pass<T>::attend(const Stream& stream, const BlockActivations<T>& block) const {
  attention(stream, Attention<T>{.sequence = extent_.length,
                                 .heads = config_.shape.heads,
                                 .qkv = block.qkv,
                                 .out = block.attended,
                                 .log_sum_exp = block.log_sum_exp});
}

template <class T>
void Gpt2Pass<T>::recompute(const Gpt2Forward<T>& forward, std::size_t l) const {
  const BlockActivations<T>& block = activations_.blocks[l];
  forward.to_queries(l, block.entrance, {}, block);
  attend(forward.stream, block);
  forward.to_hidden(l, block, activations_.passing);
}

template <class T>
template <class Visit>
void Gpt2Pass<T>::for_each_chunk(const Visit& visit) const {
  const std::size_t chunk = activations_.logits.rows;
  for (std::size_t first = 0; first < extent_.tokens(); first += chunk) {
    visit(first, std::min(chunk, extent_.tokens() - first));
  }
}

template <class T>
MatrixView<float> Gpt2Pass<T>::lose(const Gpt2Forward<T>& forward, const ExampleBatch& batch,
                                    std::size_t first, std::size_t rows) {
  const MatrixView<float> logits = activations_.logits.row_block(0, rows);
  forward.to_logits(activations_.normal.row_block(first, rows), logits);
  cross_entropy(forward.stream, CrossEntropy<float>{.logits = logits,
                                                    .classes = config_.shape.vocabulary,
                                                    .targets = batch.targets.subspan(first, rows),
                                                    .sums = sums_.span()});
  return logits;
}

template <class T>
void Gpt2Pass<T>::accumulate(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                             NoiseId dropout, const GradientSink& sink,
                             std::span<double, WeightMessage::kScalars> counts) {
  const Gpt2Dropout dropped{dropout, static_cast<float>(config_.dropout)};
  const Gpt2Forward<T> ahead = forward(stream, theta, batch, kept_in_training(config_), dropped);
  const Gpt2Backward<T> back{stream, places_, weights_, dropped, activations_, sink};
  apply(stream, Fill{.value = 0, .out = sums_.data()}, kLossSums);
  for_each_chunk([&](std::size_t first, std::size_t rows) {
    const MatrixView<float> dlogits = lose(ahead, batch, first, rows);
    back.head(dlogits, activations_.normal.row_block(first, rows),
              activations_.passing.row_block(first, rows));
  });
  back.start();
  for (std::size_t l = config_.shape.layers; l-- > 0;) {
    if (config_.recompute) recompute(ahead, l);
    back.block(l, extent_.length, config_.shape.heads);
  }
  back.finish(batch.tokens, extent_.length);
  add_counts(stream, sums_.span(), counts);
}

template <class T>
void Gpt2Pass<T>::evaluate(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                           std::span<double, WeightMessage::kScalars> counts) {
  const Gpt2Forward<T> ahead = forward(stream, theta, batch, Kept::kNothing, {});
  apply(stream, Fill{.value = 0, .out = sums_.data()}, kLossSums);
  for_each_chunk([&](std::size_t first, std::size_t rows) { lose(ahead, batch, first, rows); });
  add_counts(stream, sums_.span(), counts);
}

template <class T>
void Gpt2Pass<T>::predict(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                          std::span<float> out) {
  const Gpt2Forward<T> ahead = forward(stream, theta, batch, Kept::kNothing, {});
  const std::size_t classes = config_.shape.vocabulary;
  for_each_chunk([&](std::size_t first, std::size_t rows) {
    const MatrixView<float> logits = activations_.logits.row_block(0, rows);
    ahead.to_logits(activations_.normal.row_block(first, rows), logits);
    log_softmax(stream, logits, classes, out.subspan(first * classes, rows * classes));
  });
}

template class Gpt2Pass<float>;
template class Gpt2Pass<BFloat16>;

}  // namespace bayesum
