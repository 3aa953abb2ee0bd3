#include "core/weights/parameter_space.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

#include "kernels/buffer.hpp"
#include "kernels/error.hpp"
#include "kernels/random.hpp"

namespace bayesum {
namespace {

std::size_t aligned(std::size_t size) {
  constexpr std::size_t unit = ParameterSpace::kAlignment;
  return (size + unit - 1) / unit * unit;
}

}  // namespace

std::size_t ParameterTensor::size() const {
  return std::reduce(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

std::size_t ParameterSpace::add(ParameterTensor tensor) {
  if (tensor.size() == 0) throw Error(ExitCode::kUsage, "tensor " + tensor.name + " is empty");
  if (has(tensor.name)) {
    throw Error(ExitCode::kUsage, "two tensors have the name " + tensor.name);
  }
  tensor.first = size_;
  size_ += aligned(tensor.size());
  tensors_.push_back(std::move(tensor));
  return tensors_.back().first;
}

const ParameterTensor& ParameterSpace::tensor(const std::string& name) const {
  const auto found = std::ranges::find(tensors_, name, &ParameterTensor::name);
  if (found == tensors_.end()) throw Error(ExitCode::kUsage, "there is no tensor " + name);
  return *found;
}

bool ParameterSpace::has(const std::string& name) const {
  return std::ranges::find(tensors_, name, &ParameterTensor::name) != tensors_.end();
}

std::size_t ParameterSpace::count() const {
  std::size_t count = 0;
  for (const ParameterTensor& tensor : tensors_) count += tensor.size();
  return count;
}

std::vector<Range> ParameterSpace::buckets(std::size_t elements) const {
  const std::size_t size = std::max(aligned(elements), kAlignment);
  std::vector<Range> buckets;
  for (std::size_t last = size_; last > 0;) {
    const std::size_t first = last > size ? last - size : 0;
    buckets.push_back({first, last});
    last = first;
  }
  return buckets;
}

std::string tensor_group(const std::string& tensor) {
  const std::string name = tensor.substr(0, tensor.rfind('.'));
  std::string group;
  for (std::size_t first = 0; first < name.size();) {
    const std::size_t dot = std::min(name.find('.', first), name.size());
    const std::string part = name.substr(first, dot - first);
    const bool number = part.find_first_not_of("0123456789") == std::string::npos;
    group += (group.empty() ? "" : ".") + (number ? "N" : part);
    first = dot + 1;
  }
  return group;
}

void initialise(const Stream& stream, const ParameterSpace& parameters, std::uint64_t seed,
                std::span<float> theta) {
  constexpr std::uint32_t kBeforeAllSteps = std::numeric_limits<std::uint32_t>::max();
  const NoiseId id{.seed = seed, .step = kBeforeAllSteps, .draw = 0};
  std::vector<float> start(parameters.size());
  for (const ParameterTensor& tensor : parameters.tensors()) {
    const std::span<float> values = std::span(start).subspan(tensor.first, tensor.size());
    if (tensor.initial_sd > 0) fill_normal(Stream(), id, tensor.first, values);
    for (float& value : values) {
      value = static_cast<float>(tensor.initial_mean + tensor.initial_sd * value);
    }
  }
  copy<float>(stream, start, theta);
}

}  // namespace bayesum
