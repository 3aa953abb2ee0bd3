#include "core/examples/token_examples.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "kernels/error.hpp"

namespace bayesum {

TokenExamples::TokenExamples(TokenFile file, std::size_t context, std::uint64_t seed)
    : file_(std::move(file)), seed_(seed) {
  const std::uint64_t tokens = file_.size();
  if (context == 0) throw Error(ExitCode::kUsage, "a context of no tokens");
  if (tokens < context + 1) {
    throw Error(ExitCode::kFile, file_.path().string() + ": " + std::to_string(tokens) +
                                     " tokens are fewer than the " + std::to_string(context + 1) +
                                     " of one window and the token after it");
  }
  shape_ = {.context = context, .vocabulary = file_.vocabulary()};
  windows_ = std::max<std::uint64_t>(2, tokens / context) - 1;
  offsets_ = std::min<std::uint64_t>(context, tokens - windows_ * context);
}

void TokenExamples::fetch(std::span<const ExampleId> ids, const ExampleBuffers& out) const {
  check_buffers(shape_, ids.size(), out);
  for (std::size_t row = 0; row < ids.size(); ++row) {
    if (ids[row].index >= windows_) {
      throw Error(ExitCode::kUsage, file_.path().string() + ": there is no window " +
                                        std::to_string(ids[row].index) + " of " +
                                        std::to_string(windows_));
    }
    const std::uint64_t offset = offset_of_epoch(seed_, ids[row].epoch, offsets_);
    fetch_window(offset + ids[row].index * shape_.context, row, out);
  }
}

std::uint64_t TokenExamples::size_in_order() const {
  return (file_.size() - 1 + shape_.context - 1) / shape_.context;
}

void TokenExamples::fetch_in_order(std::uint64_t first, std::size_t rows,
                                   const ExampleBuffers& out) const {
  check_buffers(shape_, rows, out);
  if (first > size_in_order() || rows > size_in_order() - first) {
    throw Error(ExitCode::kUsage,
                file_.path().string() + ": there are no windows " + std::to_string(first) + " to " +
                    std::to_string(first + rows) + " of " + std::to_string(size_in_order()));
  }
  for (std::size_t row = 0; row < rows; ++row) {
    fetch_window((first + row) * shape_.context, row, out);
  }
}

void TokenExamples::fetch_window(std::uint64_t first, std::size_t row,
                                 const ExampleBuffers& out) const {
  const std::size_t context = shape_.context;
  const auto pairs =
      static_cast<std::size_t>(std::min<std::uint64_t>(context, file_.size() - 1 - first));
  std::vector<std::int32_t> window(pairs + 1);
  file_.read(first, window);
  const auto tokens = out.tokens.subspan(row * context, context);
  const auto targets = out.targets.subspan(row * context, context);
  std::fill(std::copy_n(window.begin(), pairs, tokens.begin()), tokens.end(), 0);
  std::fill(std::copy_n(window.begin() + 1, pairs, targets.begin()), targets.end(), kNoTarget);
}

}  // namespace bayesum
