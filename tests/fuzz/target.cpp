#include "tests/fuzz/target.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "kernels/error.hpp"

namespace bayesum::fuzz {

void try_input(std::span<const std::byte> bytes) {
  try {
    read_input(bytes);
  } catch (const Error& error) {
    const std::string sentence = error.what();
    require(error.code() == ExitCode::kUsage || error.code() == ExitCode::kFile,
            ("another code: " + sentence).c_str());
    require(!sentence.empty() && sentence.find('\n') == std::string::npos,
            ("not one sentence: " + sentence).c_str());
  }
}

void require(bool condition, const char* sentence) {
  if (condition) return;
  std::fprintf(stderr, "finding: %s\n", sentence);
  std::abort();
}

std::filesystem::path file_of(std::span<const std::byte> bytes) {
  static const int descriptor = ::memfd_create("input", 0);
  require(descriptor >= 0 && ::ftruncate(descriptor, 0) == 0, "no file in memory");
  require(::pwrite(descriptor, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()),
          "no room for the file in memory");
  return "/proc/self/fd/" + std::to_string(descriptor);
}

}  // namespace bayesum::fuzz
