#include "kernels/stream.hpp"

#include <gtest/gtest.h>

#include <string>

#include "kernels/buffer.hpp"
#include "kernels/error.hpp"

namespace bayesum::test {
namespace {

std::string refusal(Device device) {
  try {
    Stream stream(device);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kDevice);
    return error.what();
  }
  return "";
}

TEST(StreamTest, TheCpuIsTheDefault) {
  const Stream stream;
  EXPECT_EQ(stream.device(), Device{});
  EXPECT_FALSE(stream.on_cuda());
  EXPECT_EQ(stream.native(), nullptr);
  EXPECT_EQ(stream.blas(), nullptr);
  EXPECT_EQ(stream.solver(), nullptr);
  EXPECT_NO_THROW(stream.synchronize());
  double from = 3, to = 0;
  stream.upload(&from, &to, sizeof from);
  EXPECT_EQ(to, from);
  EXPECT_EQ(to_string(stream.device()), "cpu");
  EXPECT_EQ(to_string({DeviceKind::kCuda, 3}), "cuda:3");
}

TEST(StreamTest, ADeviceThatIsNotThereIsNeverReplaced) {
  const Device missing{DeviceKind::kCuda, cuda_device_count()};
  const std::string sentence = refusal(missing);
  EXPECT_EQ(sentence.find(to_string(missing) + " was asked for, but "), 0U) << sentence;
  EXPECT_EQ(sentence.find("without CUDA") != std::string::npos, !built_with_cuda()) << sentence;
  EXPECT_FALSE(refusal({DeviceKind::kCuda, -1}).empty());
  EXPECT_FALSE(refusal({DeviceKind::kCpu, 1}).empty());
  EXPECT_THROW(cuda_device_description(cuda_device_count()), Error);
  EXPECT_THROW(Buffer<double>(missing, 4), Error);
}

TEST(StreamTest, EveryDeviceCountedHasADescription) {
  for (int index = 0; index < cuda_device_count(); ++index) {
    EXPECT_NE(cuda_device_description(index).find("compute capability"), std::string::npos);
  }
}

}  // namespace
}  // namespace bayesum::test
