#include "distributed/self.hpp"

#include <cstdio>
#include <cstdlib>

#include "kernels/buffer.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

class SelfCommunicator final : public Communicator {
 public:
  explicit SelfCommunicator(DeviceKind memory) : memory_(memory) {}

  std::string name() const override { return "self"; }
  int rank() const override { return 0; }
  int size() const override { return 1; }
  DeviceKind memory() const override { return memory_; }

  [[noreturn]] void abort(int code) override {
    std::fflush(nullptr);
    std::_Exit(code);
  }

 protected:
  void do_all_reduce(const Stream&, Elements, Reduction) override {}
  void do_reduce_scatter(const Stream& stream, Elements in, std::span<const std::size_t>,
                         Elements out) override {
    copy_elements(stream, in, out);
  }
  void do_all_gather(const Stream& stream, Elements in, std::span<const std::size_t>,
                     Elements out) override {
    copy_elements(stream, in, out);
  }
  void do_broadcast(const Stream&, Elements, int) override {}
  void do_send(const Stream&, Elements, int) override { throw_alone(); }
  void do_receive(const Stream&, Elements, int) override { throw_alone(); }
  void do_barrier(const Stream&) override {}

 private:
  static void copy_elements(const Stream& stream, const Elements& from, const Elements& to) {
    if (from.count > 0 && from.data != to.data) {
      memory::copy(stream, from.data, to.data, from.bytes());
    }
  }
  [[noreturn]] static void throw_alone() {
    throw Error(ExitCode::kUsage, "self communicator: rank 0 is alone, there is no other rank");
  }

  DeviceKind memory_;
};

}  // namespace

std::unique_ptr<Communicator> make_self_communicator(DeviceKind memory) {
  return std::make_unique<SelfCommunicator>(memory);
}

}  // namespace bayesum
