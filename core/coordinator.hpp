#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "core/config.hpp"
#include "core/message.hpp"
#include "core/posterior.hpp"
#include "distributed/communicator.hpp"

namespace bayesum {

struct CoordinatorConfig {
  std::string kind = "replicated";
  bool deterministic = true;

  void describe(Fields& fields);
};

// Who applies the rule to what.
//   replicated  every rank receives the whole sum and applies the rule to all of lambda
//   root        rank 0 receives the sum, applies the rule, and broadcasts lambda
//   sharded     every rank receives the sum of its slice of lambda, applies the rule to it, and the
//               slices are gathered; for posteriors that can be cut
// All three give the same posterior. Deterministic mode sums the messages of the virtual shards in
// a fixed tree, the same bits for any number of ranks; the fast mode adds them as the communicator
// likes. What crosses the wire per rank, for n elements: one reduction of n and one publication.
class Coordinator {
 public:
  virtual ~Coordinator() = default;

  // The part of lambda that this rank coordinates; empty on the others for `root`.
  virtual Range owned() const = 0;

  // Adds the message of one virtual shard; shards come in order.
  virtual void add(const Stream& stream, std::size_t shard, const Message& message) = 0;
  // In its turn likewise, a virtual shard that has no part in this sum.
  virtual void skip(const Stream& stream, std::size_t shard) = 0;
  // Collective: the only sum of the step. `payload` (host) receives the owned part, `scalars`
  // (host) the Message::Scalar counts, on every rank.
  virtual void reduce(const Stream& stream, std::span<double> payload,
                      std::span<double> scalars) = 0;
  // Collective: a vector in the layout of lambda (host), from the owners of its parts to every
  // rank.
  virtual void publish(const Stream& stream, std::span<double> whole) = 0;
  // Collective: the largest of a value that each owner has of its part; infinite if one is NaN.
  virtual double max_over_owners(const Stream& stream, double value) = 0;
};

// `layout` tells how lambda may be cut. Error(kUsage) for "sharded" with a posterior that cannot
// be.
std::unique_ptr<Coordinator> make_coordinator(const CoordinatorConfig& config,
                                              Communicator& communicator, const Posterior& layout,
                                              std::size_t virtual_shards, Device device);

}  // namespace bayesum
