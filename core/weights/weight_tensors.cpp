#include "core/weights/weight_tensors.hpp"

#include <algorithm>
#include <cstddef>

#include "kernels/buffer.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;  // elements

std::string name_of(const std::string& kind, const ParameterTensor& tensor) {
  return kind + "." + tensor.name;
}

void check_size(const ParameterSpace& space, std::size_t size) {
  if (size == space.size()) return;
  throw Error(ExitCode::kUsage, "a vector of " + std::to_string(size) +
                                    " elements is not one over parameters that take " +
                                    std::to_string(space.size()));
}

// Calls work(first, count) for pieces of a range of `size`.
template <class Work>
void in_pieces(std::size_t size, const Work& work) {
  for (std::size_t first = 0; first < size; first += kPiece) {
    work(first, std::min(kPiece, size - first));
  }
}

}  // namespace

std::vector<TensorEntry> weight_entries(const ParameterSpace& space, const std::string& kind) {
  std::vector<TensorEntry> entries;
  for (const ParameterTensor& tensor : space.tensors()) {
    entries.push_back({name_of(kind, tensor), TensorType::kF32, tensor.shape});
  }
  return entries;
}

std::vector<ExpectedTensor> expected_weights(const ParameterSpace& space, const std::string& kind) {
  std::vector<ExpectedTensor> expected;
  for (const ParameterTensor& tensor : space.tensors()) {
    expected.push_back({name_of(kind, tensor), tensor.shape});
  }
  return expected;
}

void write_weights(const Stream& stream, const ParameterSpace& space, std::span<const float> values,
                   TensorWriter& file) {
  check_size(space, values.size());
  std::vector<float> staged(stream.on_cuda() ? kPiece : 0);
  for (const ParameterTensor& tensor : space.tensors()) {
    in_pieces(tensor.size(), [&](std::size_t first, std::size_t count) {
      auto piece = values.subspan(tensor.first + first, count);
      if (stream.on_cuda()) {
        const auto host = std::span(staged).first(count);
        copy<float>(stream, piece, host);
        piece = host;
      }
      file.write(std::as_bytes(piece));
    });
  }
}

void read_weights(const Stream& stream, const TensorReader& file, const ParameterSpace& space,
                  const std::string& kind, std::span<float> values) {
  check_size(space, values.size());
  std::vector<float> staged(stream.on_cuda() ? kPiece : 0);
  for (const ParameterTensor& tensor : space.tensors()) {
    const TensorEntry& entry = file.entry(name_of(kind, tensor));
    in_pieces(tensor.size(), [&](std::size_t first, std::size_t count) {
      const auto piece = values.subspan(tensor.first + first, count);
      const auto host = stream.on_cuda() ? std::span(staged).first(count) : piece;
      file.read(entry, first, host);
      if (stream.on_cuda()) copy<float>(stream, host, piece);
    });
  }
}

}  // namespace bayesum
