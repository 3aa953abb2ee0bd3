#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/examples/example_order.hpp"
#include "core/examples/examples.hpp"
#include "core/weights/network.hpp"
#include "kernels/buffer.hpp"

namespace bayesum {

// Brings examples to the stream's device, up to `rows` at a time, in memory taken once. A batch is
// valid until the next, in the order of the stream: what is queued may still read it.
class ExampleFeed {
 public:
  ExampleFeed(const Examples& examples, std::size_t rows, Device device);

  const Examples& examples() const { return examples_; }
  std::size_t rows() const { return rows_; }

  ExampleBatch fetch(const Stream& stream, std::span<const ExampleId> ids);
  ExampleBatch fetch_in_order(const Stream& stream, std::uint64_t first, std::size_t rows);

 private:
  template <class T>
  struct Pair {
    Pair(Device device, std::size_t size)
        : host(Device{}, size), remote(device, device.kind == DeviceKind::kCpu ? 0 : size) {}
    std::span<T> part(std::size_t size) { return host.span().first(size); }
    std::span<const T> on_device(const Stream& stream, std::size_t size);

    Buffer<T> host;
    Buffer<T> remote;  // empty where the device is the host
  };

  ExampleBuffers buffers(std::size_t rows);
  ExampleBatch batch(const Stream& stream, std::size_t rows);

  const Examples& examples_;
  std::size_t rows_;
  Pair<std::int32_t> tokens_;
  Pair<std::int32_t> targets_;  // or labels
  Pair<float> features_;
  Pair<float> response_;
};

}  // namespace bayesum
