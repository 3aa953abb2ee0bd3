#include "core/files/input_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  throw Error(ExitCode::kFile, "cannot read " + path.string() + ": " + why);
}

}  // namespace

InputFile::InputFile(std::filesystem::path path) : path_(std::move(path)) {
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) {
    refuse(path_, std::generic_category().message(errno));
  }
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    refuse(path_, "it is not a regular file");
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
  modified_ = std::int64_t{1'000'000'000} * status.st_mtim.tv_sec + status.st_mtim.tv_nsec;
}

InputFile::~InputFile() { ::close(descriptor_); }

void InputFile::read(std::uint64_t first, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t count = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(first));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      refuse(path_, std::generic_category().message(errno));
    }
    if (count == 0) {
      refuse(path_, "it ends at byte " + std::to_string(first) + ", before the " +
                        std::to_string(size_) + " bytes it had when it was opened");
    }
    first += static_cast<std::uint64_t>(count);
    out = out.subspan(static_cast<std::size_t>(count));
  }
}

}  // namespace bayesum
