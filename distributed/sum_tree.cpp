#include "distributed/sum_tree.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "kernels/elementwise.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

std::string to_string(Range range) {
  return "[" + std::to_string(range.first) + ", " + std::to_string(range.last) + ")";
}

}  // namespace

template <class T>
SumTreeOf<T>::SumTreeOf(std::size_t virtual_shards, std::size_t vector_size, Device memory)
    : virtual_shards_(virtual_shards), vector_size_(vector_size), memory_(memory) {
  if (virtual_shards == 0) throw Error(ExitCode::kUsage, "a sum tree needs a virtual shard");
}

template <class T>
void SumTreeOf<T>::add(const Stream& stream, std::size_t shard, std::span<const T> values) {
  check_turn(shard);
  check_size(shard, values.size());
  Buffer<T> buffer = take();
  copy(stream, values, buffer.span());
  place(stream, shard, std::move(buffer));
}

template <class T>
void SumTreeOf<T>::add(const Stream& stream, std::size_t shard, Buffer<T> values) {
  check_turn(shard);
  check_size(shard, values.size());
  place(stream, shard, std::move(values));
}

template <class T>
void SumTreeOf<T>::skip(const Stream& stream, std::size_t shard) {
  check_turn(shard);
  place(stream, shard, std::nullopt);
}

template <class T>
void SumTreeOf<T>::check_turn(std::size_t shard) const {
  if (shard >= virtual_shards_ || (added_.size() > 0 && shard != added_.last)) {
    throw Error(ExitCode::kUsage, "sum tree: virtual shard " + std::to_string(shard) + " of " +
                                      std::to_string(virtual_shards_) + " was added after shards " +
                                      to_string(added_));
  }
}

template <class T>
void SumTreeOf<T>::check_size(std::size_t shard, std::size_t size) const {
  if (size != vector_size_) {
    throw Error(ExitCode::kUsage, "sum tree: virtual shard " + std::to_string(shard) + " gave " +
                                      std::to_string(size) + " values, " +
                                      std::to_string(vector_size_) + " are due");
  }
}

template <class T>
void SumTreeOf<T>::place(const Stream& stream, std::size_t shard, std::optional<Buffer<T>> values) {
  nodes_.push_back({0, shard, std::move(values)});
  added_ = {added_.size() > 0 ? added_.first : shard, shard + 1};
  fold(stream);
}

template <class T>
void SumTreeOf<T>::finish(const Stream& stream, Communicator& communicator, std::span<T> root) {
  check_finish(communicator, root);
  for (int level = 0; !absent(level, 1); ++level) {
    // Neighbours take turns, so that no chain of ranks waits for its far end.
    if (communicator.rank() % 2 == 1) send_first(stream, communicator, level);
    receive_last(stream, communicator, level);
    if (communicator.rank() % 2 == 0) send_first(stream, communicator, level);
  }
  if (communicator.rank() == 0) {
    std::optional<Buffer<T>> sum = std::move(nodes_.back().values);
    if (!sum) sum = take_neutral(stream);
    copy<T>(stream, sum->span(), root);
    spare_.push_back(std::move(*sum));
  }
  nodes_.clear();
  added_ = {};
}

template <class T>
Buffer<T> SumTreeOf<T>::take() {
  if (spare_.empty()) return Buffer<T>(memory_, vector_size_);
  Buffer<T> buffer = std::move(spare_.back());
  spare_.pop_back();
  return buffer;
}

template <class T>
void SumTreeOf<T>::give_back(Buffer<T> values) {
  spare_.push_back(std::move(values));
}

template <class T>
Buffer<T> SumTreeOf<T>::take_neutral(const Stream& stream) {
  Buffer<T> buffer = take();
  apply(stream, FillOf<T>{.value = T(-0.0), .out = buffer.data()}, buffer.size());
  return buffer;
}

template <class T>
std::size_t SumTreeOf<T>::vectors_held() const {
  const auto held =
      std::ranges::count_if(nodes_, [](const Node& node) { return node.values.has_value(); });
  return static_cast<std::size_t>(held) + spare_.size();
}

// Raises the last node as far as what this rank holds allows.
template <class T>
void SumTreeOf<T>::fold(const Stream& stream) {
  while (!nodes_.empty()) {
    Node& last = nodes_.back();
    const bool is_left = last.index % 2 == 0;
    if (is_left && (absent(last.level, 1) || !absent(last.level, last.index + 1))) return;
    if (is_left) {
      ++last.level;
      last.index /= 2;
      continue;
    }
    if (nodes_.size() < 2) return;
    Node& left = nodes_[nodes_.size() - 2];
    if (left.level != last.level || left.index + 1 != last.index) return;
    join(stream, left, std::move(last.values));
    nodes_.pop_back();
  }
}

template <class T>
bool SumTreeOf<T>::absent(int level, std::size_t index) const {
  return index > (virtual_shards_ - 1) >> level;
}

template <class T>
void SumTreeOf<T>::join(const Stream& stream, Node& left, std::optional<Buffer<T>> right) {
  ++left.level;
  left.index /= 2;
  if (!right) return;
  if (!left.values) {
    left.values = std::move(right);
    return;
  }
  apply(stream, AddScaledOf<T>{.scale = T(1), .x = right->data(), .out = left.values->data()},
        vector_size_);
  spare_.push_back(std::move(*right));
}

template <class T>
void SumTreeOf<T>::send_first(const Stream& stream, Communicator& communicator, int level) {
  if (nodes_.empty()) return;
  Node& first = nodes_.front();
  if (first.level != level || first.index % 2 == 0) return;
  const std::size_t sibling_shard = (first.index - 1) << level;
  if (!first.values) first.values = take_neutral(stream);
  communicator.send(stream, first.values->span(),
                    rank_of_shard(virtual_shards_, communicator.size(), sibling_shard));
  spare_.push_back(std::move(*first.values));
  nodes_.erase(nodes_.begin());
}

template <class T>
void SumTreeOf<T>::receive_last(const Stream& stream, Communicator& communicator, int level) {
  if (nodes_.empty()) return;
  Node& last = nodes_.back();
  if (last.level != level || last.index % 2 == 1) return;
  const std::size_t sibling_shard = (last.index + 1) << level;
  Buffer<T> right = take();
  communicator.receive(stream, right.span(),
                       rank_of_shard(virtual_shards_, communicator.size(), sibling_shard));
  join(stream, last, std::move(right));
  fold(stream);
}

template <class T>
void SumTreeOf<T>::check_finish(const Communicator& communicator, std::span<T> root) const {
  const std::string who = "sum tree, rank " + std::to_string(communicator.rank()) + " of " +
                          std::to_string(communicator.size()) + ": ";
  if (communicator.memory() != memory_.kind) {
    throw Error(ExitCode::kUsage, who + "its vectors live on " + to_string(memory_) +
                                      ", where the " + communicator.name() +
                                      " communicator has no access");
  }
  const Range due = shards_of_rank(virtual_shards_, communicator.size(), communicator.rank());
  if (added_.size() != due.size() || (due.size() > 0 && added_ != due)) {
    throw Error(ExitCode::kUsage, who + "it added the virtual shards " + to_string(added_) +
                                      " and carries " + to_string(due));
  }
  if (communicator.rank() == 0 && root.size() != vector_size_) {
    throw Error(ExitCode::kUsage, who + "the sum has " + std::to_string(vector_size_) +
                                      " values, its place " + std::to_string(root.size()));
  }
}

template class SumTreeOf<double>;
template class SumTreeOf<float>;

}  // namespace bayesum
