#pragma once

#include <span>

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

}  // namespace bayesum
