#include "tests/distributed/conformance.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <thread>

#include "distributed/sum_tree.hpp"
#include "distributed/virtual_shards.hpp"
#include "kernels/buffer.hpp"
#include "kernels/error.hpp"

namespace bayesum::conformance {
namespace {

// Around the boundaries of vectors, of slices of a few elements, and of a piece on the wire.
const std::vector<std::size_t> kSizes = {0, 1, 2, 3, 7, 31, 33, 257, 4097, 140001};

template <class T>
Buffer<T> to_device(const Stream& stream, const std::vector<T>& host) {
  Buffer<T> buffer(stream.device(), host.size());
  copy<T>(stream, host, buffer.span());
  return buffer;
}

template <class T>
std::vector<T> to_host(const Stream& stream, const Buffer<T>& buffer) {
  std::vector<T> host(buffer.size());
  copy<T>(stream, buffer.span(), host);
  stream.synchronize();
  return host;
}

// Small whole numbers, whose sum over ranks is exact in every type and order.
template <class T>
T element(int rank, std::size_t i) {
  return static_cast<T>(static_cast<std::size_t>(rank + 1) * (i % 97 + 1) % 61);
}

template <class T>
std::vector<T> vector_of(int rank, std::size_t size) {
  std::vector<T> values(size);
  for (std::size_t i = 0; i < size; ++i) values[i] = element<T>(rank, i);
  return values;
}

template <class T>
T reduced_element(Reduction reduction, int ranks, std::size_t i) {
  T result = element<T>(0, i);
  for (int rank = 1; rank < ranks; ++rank) {
    const T x = element<T>(rank, i);
    if (reduction == Reduction::kSum) result += x;
    if (reduction == Reduction::kMin) result = std::min(result, x);
    if (reduction == Reduction::kMax) result = std::max(result, x);
  }
  return result;
}

void knows_its_place(Communicator& communicator, const Stream& stream) {
  ASSERT_GE(communicator.rank(), 0);
  ASSERT_LT(communicator.rank(), communicator.size());
  EXPECT_EQ(communicator.memory(), stream.device().kind);
  std::vector<std::uint64_t> present(static_cast<std::size_t>(communicator.size()), 0);
  present[static_cast<std::size_t>(communicator.rank())] = 1;
  Buffer<std::uint64_t> buffer = to_device(stream, present);
  communicator.all_reduce(stream, buffer.span());
  EXPECT_EQ(to_host(stream, buffer), std::vector<std::uint64_t>(present.size(), 1));
}

template <class T>
void all_reduces(Communicator& communicator, const Stream& stream) {
  for (std::size_t size : kSizes) {
    for (Reduction reduction : {Reduction::kSum, Reduction::kMin, Reduction::kMax}) {
      Buffer<T> buffer = to_device(stream, vector_of<T>(communicator.rank(), size));
      communicator.all_reduce(stream, buffer.span(), reduction);
      std::vector<T> expected(size);
      for (std::size_t i = 0; i < size; ++i) {
        expected[i] = reduced_element<T>(reduction, communicator.size(), i);
      }
      ASSERT_EQ(to_host(stream, buffer), expected) << size << " by " << to_string(reduction);
    }
  }
}

// Even slices, all on the last rank, and sizes that grow with the rank (the first one empty).
std::vector<std::vector<std::size_t>> slicings(std::size_t ranks, std::size_t size) {
  std::vector<std::size_t> all_on_last(ranks, 0);
  all_on_last.back() = size;
  std::vector<std::size_t> growing(ranks);
  for (std::size_t rank = 0; rank < ranks; ++rank) growing[rank] = rank * size / ranks;
  return {even_counts(size, ranks), all_on_last, growing};
}

std::size_t first_of_slice(std::span<const std::size_t> counts, int rank) {
  return std::accumulate(counts.begin(), counts.begin() + rank, std::size_t{0});
}

template <class T>
void reduce_scatters(Communicator& communicator, const Stream& stream,
                     std::span<const std::size_t> counts, bool in_place) {
  const std::size_t total = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
  const std::size_t first = first_of_slice(counts, communicator.rank());
  const std::size_t own = counts[static_cast<std::size_t>(communicator.rank())];
  Buffer<T> in = to_device(stream, vector_of<T>(communicator.rank(), total));
  Buffer<T> separate(stream.device(), own);
  std::span<T> out = in_place ? in.span().subspan(first, own) : separate.span();
  communicator.reduce_scatter(stream, in.span(), counts, out);
  std::vector<T> result(own);
  copy<T>(stream, out, result);
  stream.synchronize();
  for (std::size_t i = 0; i < own; ++i) {
    ASSERT_EQ(result[i], reduced_element<T>(Reduction::kSum, communicator.size(), first + i))
        << total << " elements, element " << first + i;
  }
}

template <class T>
void reduce_scatters_all(Communicator& communicator, const Stream& stream) {
  for (std::size_t size : kSizes) {
    for (const auto& counts : slicings(static_cast<std::size_t>(communicator.size()), size)) {
      reduce_scatters<T>(communicator, stream, counts, false);
      reduce_scatters<T>(communicator, stream, counts, true);
    }
  }
}

template <class T>
void all_gathers(Communicator& communicator, const Stream& stream,
                 std::span<const std::size_t> counts, bool in_place) {
  const std::size_t total = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
  const std::size_t first = first_of_slice(counts, communicator.rank());
  const std::size_t own = counts[static_cast<std::size_t>(communicator.rank())];
  Buffer<T> separate = to_device(stream, vector_of<T>(communicator.rank(), own));
  Buffer<T> out(stream.device(), total);
  std::span<T> in = in_place ? out.span().subspan(first, own) : separate.span();
  if (in_place) copy<T>(stream, separate.span(), in);
  communicator.all_gather(stream, in, counts, out.span());
  std::vector<T> expected;
  for (int rank = 0; rank < communicator.size(); ++rank) {
    const std::vector<T> slice = vector_of<T>(rank, counts[static_cast<std::size_t>(rank)]);
    expected.insert(expected.end(), slice.begin(), slice.end());
  }
  ASSERT_EQ(to_host(stream, out), expected) << total << " elements";
}

template <class T>
void all_gathers_all(Communicator& communicator, const Stream& stream) {
  for (std::size_t size : kSizes) {
    for (const auto& counts : slicings(static_cast<std::size_t>(communicator.size()), size)) {
      all_gathers<T>(communicator, stream, counts, false);
      all_gathers<T>(communicator, stream, counts, true);
    }
  }
}

template <class T>
void broadcasts(Communicator& communicator, const Stream& stream) {
  for (std::size_t size : kSizes) {
    for (int root = 0; root < communicator.size(); ++root) {
      Buffer<T> buffer = to_device(stream, vector_of<T>(communicator.rank(), size));
      communicator.broadcast(stream, buffer.span(), root);
      ASSERT_EQ(to_host(stream, buffer), vector_of<T>(root, size)) << size << " from " << root;
    }
  }
}

// A message goes round all ranks; each adds its own rank to every element.
void passes_messages(Communicator& communicator, const Stream& stream) {
  const int rank = communicator.rank();
  const int ranks = communicator.size();
  if (ranks == 1) return;
  for (std::size_t size : kSizes) {
    std::vector<double> values = vector_of<double>(0, size);
    const auto forward = [&] {
      Buffer<double> buffer = to_device(stream, values);
      communicator.send(stream, buffer.span(), (rank + 1) % ranks);
      stream.synchronize();
    };
    if (rank == 0) forward();
    Buffer<double> buffer(stream.device(), size);
    communicator.receive(stream, buffer.span(), (rank + ranks - 1) % ranks);
    values = to_host(stream, buffer);
    for (double& x : values) x += rank;
    if (rank > 0) forward();
    for (std::size_t i = 0; i < size; ++i) {
      const int last = rank == 0 ? ranks - 1 : rank;
      ASSERT_EQ(values[i], element<double>(0, i) + last * (last + 1) / 2) << size;
    }
  }
}

// More than what a communicator sends in one piece.
void moves_large_payloads(Communicator& communicator, const Stream& stream) {
  const std::size_t size = 4500001;
  std::vector<std::size_t> all_on_last(static_cast<std::size_t>(communicator.size()), 0);
  all_on_last.back() = size;
  all_gathers<float>(communicator, stream, all_on_last, true);
  const int last = communicator.size() - 1;
  Buffer<float> buffer = to_device(stream, vector_of<float>(communicator.rank(), size));
  communicator.broadcast(stream, buffer.span(), last);
  EXPECT_EQ(to_host(stream, buffer), vector_of<float>(last, size));
  if (last == 0) return;
  Buffer<float> message = to_device(stream, vector_of<float>(communicator.rank(), size));
  if (communicator.rank() == last) communicator.send(stream, message.span(), 0);
  if (communicator.rank() == 0) {
    communicator.receive(stream, message.span(), last);
    EXPECT_EQ(to_host(stream, message), vector_of<float>(last, size));
  }
}

// Nobody leaves a barrier before the last one has entered it: clocks of one host are compared.
void waits_at_barriers(Communicator& communicator, const Stream& stream) {
  using Clock = std::chrono::steady_clock;
  const int late = communicator.size() - 1;
  if (communicator.rank() == late) std::this_thread::sleep_for(std::chrono::milliseconds(30));
  std::uint64_t entered = static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
  communicator.barrier(stream);
  const std::uint64_t left = static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
  Buffer<std::uint64_t> time = to_device(stream, std::vector<std::uint64_t>{entered});
  communicator.broadcast(stream, time.span(), late);
  EXPECT_GE(left, to_host(stream, time)[0]);
}

void counts_traffic(Communicator& communicator, const Stream& stream) {
  const std::size_t ranks = static_cast<std::size_t>(communicator.size());
  const std::vector<std::size_t> counts(ranks, 3);
  Buffer<float> whole(stream.device(), 3 * ranks);
  Buffer<float> slice(stream.device(), 3);
  const Traffic before = communicator.traffic();
  communicator.all_reduce(stream, whole.span());
  communicator.reduce_scatter(stream, whole.span(), counts, slice.span());
  communicator.all_gather(stream, slice.span(), counts, whole.span());
  communicator.broadcast(stream, whole.span(), 0);
  communicator.barrier(stream);
  EXPECT_EQ(communicator.traffic().calls - before.calls, 5u);
  EXPECT_EQ(communicator.traffic().bytes - before.bytes, 4 * 3 * ranks * sizeof(float));
}

template <class Call>
void expect_refusal(Communicator& communicator, const std::string& words, Call call) {
  try {
    call();
    ADD_FAILURE() << "was accepted: " << words;
  } catch (const Error& error) {
    const std::string sentence = error.what();
    EXPECT_EQ(error.code(), ExitCode::kUsage) << sentence;
    EXPECT_NE(sentence.find(words), std::string::npos) << sentence;
    EXPECT_NE(sentence.find("rank " + std::to_string(communicator.rank())), std::string::npos)
        << sentence;
  }
}

// Refused before anything is sent: the communicator works on.
void refuses_what_does_not_fit(Communicator& communicator, const Stream& stream) {
  const std::size_t ranks = static_cast<std::size_t>(communicator.size());
  const int self = communicator.rank();
  Buffer<double> whole(stream.device(), 2 * ranks);
  Buffer<double> slice(stream.device(), 2);
  Buffer<float> wrong_type(stream.device(), 2);
  Buffer<std::byte> bytes(stream.device(), 2);
  const std::vector<std::size_t> counts(ranks, 2);
  const std::vector<std::size_t> too_many(ranks + 1, 2);
  const std::vector<std::size_t> too_large(ranks, 3);
  Communicator& c = communicator;
  expect_refusal(c, "bytes cannot be reduced", [&] { c.all_reduce(stream, bytes.span()); });
  expect_refusal(c, "counts were given",
                 [&] { c.reduce_scatter(stream, whole.span(), too_many, slice.span()); });
  expect_refusal(c, "the counts sum to",
                 [&] { c.all_gather(stream, slice.span(), too_large, whole.span()); });
  expect_refusal(c, "its slice has",
                 [&] { c.all_gather(stream, slice.span().first(1), counts, whole.span()); });
  expect_refusal(c, "the slice float32",
                 [&] { c.reduce_scatter(stream, whole.span(), counts, wrong_type.span()); });
  expect_refusal(c, "there is no root", [&] { c.broadcast(stream, whole.span(), c.size()); });
  expect_refusal(c, "is no other rank", [&] { c.send(stream, whole.span(), self); });
  expect_refusal(c, "is no other rank", [&] { c.receive(stream, whole.span(), -1); });
  knows_its_place(communicator, stream);
}

// Numbers whose sum depends on the order: signs and twelve orders of magnitude.
double wild(std::uint64_t key) {
  std::uint64_t z = key * 0x9e3779b97f4a7c15u;  // splitmix64
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  const double mantissa = static_cast<double>(static_cast<std::int64_t>(z)) * 0x1p-63;
  return std::ldexp(mantissa, static_cast<int>(z % 41));
}

std::vector<double> wild_vector(std::size_t key, std::size_t size) {
  std::vector<double> values(size);
  for (std::size_t i = 0; i < size; ++i) values[i] = wild(1000003 * key + i);
  return values;
}

std::vector<std::uint64_t> bits_of(const std::vector<double>& values) {
  std::vector<std::uint64_t> bits(values.size());
  if (!values.empty()) std::memcpy(bits.data(), values.data(), values.size() * sizeof(double));
  return bits;
}

// The same bits on every rank, and once more the next time.
void sums_alike(Communicator& communicator, const Stream& stream) {
  for (std::size_t size : {5u, 4097u, 140001u}) {
    std::vector<std::vector<std::uint64_t>> results;
    for (int repeat = 0; repeat < 2; ++repeat) {
      Buffer<double> buffer =
          to_device(stream, wild_vector(static_cast<std::size_t>(communicator.rank()), size));
      communicator.all_reduce(stream, buffer.span());
      results.push_back(bits_of(to_host(stream, buffer)));
    }
    EXPECT_EQ(results[0], results[1]) << size;
    Buffer<std::uint64_t> lowest = to_device(stream, results[0]);
    Buffer<std::uint64_t> highest = to_device(stream, results[0]);
    communicator.all_reduce(stream, lowest.span(), Reduction::kMin);
    communicator.all_reduce(stream, highest.span(), Reduction::kMax);
    EXPECT_EQ(to_host(stream, lowest), to_host(stream, highest)) << size;
  }
}

// The definition of the tree, word for word: the sum of node `index` of level `level`.
std::vector<double> tree_sum(const std::vector<std::vector<double>>& shards, int level,
                             std::size_t index) {
  if (level == 0) return shards[index];
  std::vector<double> sum = tree_sum(shards, level - 1, 2 * index);
  if (((2 * index + 1) << (level - 1)) >= shards.size()) return sum;
  const std::vector<double> right = tree_sum(shards, level - 1, 2 * index + 1);
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += right[i];
  return sum;
}

void check_tree(Communicator& communicator, const Stream& stream, std::size_t virtual_shards,
                std::size_t size) {
  std::vector<std::vector<double>> shards;
  for (std::size_t shard = 0; shard < virtual_shards; ++shard) {
    shards.push_back(wild_vector(77 + shard, size));
  }
  int levels = 0;
  while ((std::size_t{1} << levels) < virtual_shards) ++levels;
  const auto expected = bits_of(tree_sum(shards, levels, 0));

  SumTree tree(virtual_shards, size, stream.device());
  const Range mine = shards_of_rank(virtual_shards, communicator.size(), communicator.rank());
  for (int repeat = 0; repeat < 2; ++repeat) {
    for (std::size_t shard = mine.first; shard < mine.last; ++shard) {
      Buffer<double> values = to_device(stream, shards[shard]);
      tree.add(stream, shard, values.span());
      EXPECT_LE(tree.vectors_held(), static_cast<std::size_t>(2 * levels + 2));
    }
    const std::vector<double> untouched(size, -1.0);
    Buffer<double> root = to_device(stream, untouched);
    tree.finish(stream, communicator, root.span());
    EXPECT_LE(tree.vectors_held(), static_cast<std::size_t>(2 * levels + 2));
    const auto result = bits_of(to_host(stream, root));
    EXPECT_EQ(result, communicator.rank() == 0 ? expected : bits_of(untouched))
        << virtual_shards << " virtual shards of " << size << " values";
  }
}

void sums_in_a_tree(Communicator& communicator, const Stream& stream) {
  for (std::size_t virtual_shards : {1u, 2u, 3u, 5u, 6u, 7u, 8u, 13u, 16u, 37u, 64u}) {
    for (std::size_t size : {0u, 1u, 5u, 20011u}) {
      check_tree(communicator, stream, virtual_shards, size);
    }
  }
}

}  // namespace

const std::vector<Law>& laws() {
  static const std::vector<Law> kLaws = {
      {"KnowsItsPlace", knows_its_place},
      {"AllReducesFloat32", all_reduces<float>},
      {"AllReducesFloat64", all_reduces<double>},
      {"AllReducesUint64", all_reduces<std::uint64_t>},
      {"ReduceScattersFloat32", reduce_scatters_all<float>},
      {"ReduceScattersFloat64", reduce_scatters_all<double>},
      {"ReduceScattersUint64", reduce_scatters_all<std::uint64_t>},
      {"AllGathersFloat32", all_gathers_all<float>},
      {"AllGathersFloat64", all_gathers_all<double>},
      {"AllGathersBytes", all_gathers_all<std::byte>},
      {"BroadcastsFloat32", broadcasts<float>},
      {"BroadcastsUint64", broadcasts<std::uint64_t>},
      {"BroadcastsBytes", broadcasts<std::byte>},
      {"PassesMessages", passes_messages},
      {"MovesLargePayloads", moves_large_payloads},
      {"WaitsAtBarriers", waits_at_barriers},
      {"CountsTraffic", counts_traffic},
      {"RefusesWhatDoesNotFit", refuses_what_does_not_fit},
      {"SumsAlike", sums_alike},
      {"SumsInATree", sums_in_a_tree},
  };
  return kLaws;
}

}  // namespace bayesum::conformance
