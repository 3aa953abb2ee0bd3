#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

#include "distributed/communicator.hpp"
#include "kernels/buffer.hpp"

namespace bayesum {

// The stream in which a communicator's payloads can be worked on: the given one where they live on
// its device, a host stream otherwise.
inline Stream wire_stream(const Stream& stream, const Communicator& communicator) {
  return communicator.memory() == DeviceKind::kCpu ? Stream() : stream;
}

// Runs a collective, `collective(wire, payload)`, on host values wherever the communicator wants
// its payload: in place, or through a buffer on the device.
template <class T, class Collective>
void on_wire(const Stream& stream, const Communicator& communicator, std::span<T> host,
             Collective&& collective) {
  const Stream wire = wire_stream(stream, communicator);
  if (!wire.on_cuda()) {
    collective(wire, host);
    return;
  }
  Buffer<T> staged(wire.device(), host.size());
  copy<T>(wire, host, staged.span());
  collective(wire, staged.span());
  copy<T>(wire, staged.span(), host);
}

// Collective: what every rank gives, rank r `counts[r]` values, one after the other on every rank.
template <class T>
std::vector<T> gather(const Stream& stream, Communicator& communicator, std::span<const T> mine,
                      std::span<const std::size_t> counts) {
  const std::size_t first = std::reduce(counts.begin(), counts.begin() + communicator.rank());
  std::vector<T> all(std::reduce(counts.begin(), counts.end()));
  std::ranges::copy(mine, all.begin() + static_cast<std::ptrdiff_t>(first));
  on_wire(stream, communicator, std::span(all), [&](const Stream& wire, auto payload) {
    communicator.all_gather(wire, payload.subspan(first, mine.size()), counts, payload);
  });
  return all;
}

// The same where every rank gives as many.
template <class T>
std::vector<T> gather(const Stream& stream, Communicator& communicator, std::span<const T> mine) {
  return gather(stream, communicator, mine,
                std::vector(static_cast<std::size_t>(communicator.size()), mine.size()));
}

}  // namespace bayesum
