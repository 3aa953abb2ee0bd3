#include "models/shard_sums.hpp"

#include <utility>

#include "core/staging.hpp"
#include "distributed/sum_tree.hpp"
#include "distributed/virtual_shards.hpp"
#include "kernels/buffer.hpp"

namespace bayesum {

void ShardSums::end_shard() {
  shards_.push_back(std::exchange(sums_, std::vector<double>(sums_.size())));
}

void ShardSums::reduce(const Stream& stream, Communicator& communicator) {
  const Stream wire = wire_stream(stream, communicator);
  SumTree tree(virtual_shards_, sums_.size(), wire.device());
  Buffer<double> staged(wire.device(), sums_.size());
  std::size_t shard =
      shards_of_rank(virtual_shards_, communicator.size(), communicator.rank()).first;
  for (const std::vector<double>& sums : shards_) {
    copy<double>(wire, sums, staged.span());
    tree.add(wire, shard++, staged.span());
  }
  tree.finish(wire, communicator, staged.span());
  communicator.broadcast(wire, staged.span(), 0);
  copy<double>(wire, staged.span(), sums_);
}

}  // namespace bayesum
