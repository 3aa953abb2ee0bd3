#include "core/weights/example_feed.hpp"

#include <algorithm>

namespace bayesum {

ExampleFeed::ExampleFeed(const Examples& examples, std::size_t rows, Device device)
    : examples_(examples),
      rows_(rows),
      tokens_(device, rows * examples.shape().context),
      targets_(device, rows * (examples.shape().is_tokens() ? examples.shape().context
                                                            : examples.shape().classes > 0)),
      features_(device, rows * examples.shape().features),
      response_(device, rows * examples.shape().responses) {}

template <class T>
std::span<const T> ExampleFeed::Pair<T>::on_device(const Stream& stream, std::size_t size) {
  if (remote.size() == 0) return part(size);
  copy<T>(stream, part(size), remote.span().first(size));
  return remote.span().first(size);
}

ExampleBatch ExampleFeed::fetch(const Stream& stream, std::span<const ExampleId> ids) {
  examples_.fetch(ids, buffers(ids.size()));
  return batch(stream, ids.size());
}

ExampleBatch ExampleFeed::fetch_in_order(const Stream& stream, std::uint64_t first,
                                         std::size_t rows) {
  examples_.fetch_in_order(first, rows, buffers(rows));
  return batch(stream, rows);
}

ExampleBuffers ExampleFeed::buffers(std::size_t rows) {
  const ExampleShape& shape = examples_.shape();
  ExampleBuffers out{.tokens = tokens_.part(rows * shape.context),
                     .targets = {},
                     .features = features_.part(rows * shape.features),
                     .labels = {},
                     .response = response_.part(rows * shape.responses)};
  if (shape.is_tokens()) {
    out.targets = targets_.part(rows * shape.context);
  } else if (shape.classes > 0) {
    out.labels = targets_.part(rows);
  }
  return out;
}

ExampleBatch ExampleFeed::batch(const Stream& stream, std::size_t rows) {
  const ExampleShape& shape = examples_.shape();
  const std::size_t length = std::max<std::size_t>(shape.context, 1);
  const std::size_t targets = std::min(rows * length, targets_.host.size());
  const auto missing =
      static_cast<std::size_t>(std::ranges::count(targets_.part(targets), kNoTarget));
  const auto matrix = [&](Pair<float>& values, std::size_t columns) {
    const std::span<const float> x = values.on_device(stream, rows * columns);
    return columns == 0 ? MatrixView<const float>()
                        : MatrixView<const float>(x.data(), rows, columns);
  };
  return {.rows = rows,
          .length = length,
          .tokens = tokens_.on_device(stream, rows * shape.context),
          .features = matrix(features_, shape.features),
          .targets = targets_.on_device(stream, targets),
          .response = matrix(response_, shape.responses),
          .examples = rows * length - missing};
}

}  // namespace bayesum
