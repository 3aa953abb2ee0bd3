#include "tests/kernels/kernel_test.hpp"

namespace bayesum::test {

Device device_under_test() { return {DeviceKind::kCuda, 0}; }
std::string why_unusable() { return cuda_device_count() == 0 ? "no usable GPU" : ""; }

}  // namespace bayesum::test
