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

FileVersion version_of(const std::filesystem::path& path, int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) {
    refuse(path, std::generic_category().message(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    refuse(path, "it is not a regular file");
  }
  return {static_cast<std::uint64_t>(status.st_size),
          std::int64_t{1'000'000'000} * status.st_mtim.tv_sec + status.st_mtim.tv_nsec};
}

}  // namespace

void require_unchanged(const std::filesystem::path& path, const FileVersion& opened,
                       const FileVersion& now) {
  if (now.size != opened.size) {
    throw Error(ExitCode::kFile, path.string() + " changed its size from " +
                                     std::to_string(opened.size) + " to " +
                                     std::to_string(now.size) + " bytes since it was opened");
  }
  if (now != opened) {
    throw Error(ExitCode::kFile, path.string() + " has changed since it was opened");
  }
}

InputFile::InputFile(std::filesystem::path path) : path_(std::move(path)) {
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) {
    refuse(path_, std::generic_category().message(errno));
  }
  try {
    version_ = version_of(path_, descriptor_);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
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
      break;
    }
    first += static_cast<std::uint64_t>(count);
    out = out.subspan(static_cast<std::size_t>(count));
  }
  // After the bytes were taken, so that those of a file seen to have changed are not handed on.
  require_unchanged(path_, version_, version_of(path_, descriptor_));
  if (!out.empty()) {
    refuse(path_, "it ends at byte " + std::to_string(first));
  }
}

}  // namespace bayesum
