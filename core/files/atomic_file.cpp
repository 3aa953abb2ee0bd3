#include "core/files/atomic_file.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <regex>
#include <string>
#include <system_error>
#include <utility>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

namespace fs = std::filesystem;

// Stands between a file's name and what makes that of a temporary file its own.
constexpr const char* kMark = ".tmp-";

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

[[noreturn]] void refuse(const fs::path& path, std::size_t needed, int cause) {
  std::string why = std::generic_category().message(cause);
  struct statvfs disk {};
  if ((cause == ENOSPC || cause == EDQUOT) && ::statvfs(folder_of(path).c_str(), &disk) == 0) {
    const std::uint64_t free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    why += " (" + std::to_string(needed) + " bytes needed, " + std::to_string(free) + " free)";
  }
  throw Error(ExitCode::kFile, "cannot write " + path.string() + ": " + why);
}

// Makes the rename itself last through a power failure.
void sync_folder(const fs::path& path, std::size_t needed) {
  const int descriptor = ::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    refuse(path, needed, errno);
  }
  const int synced = ::fsync(descriptor);
  const int cause = errno;
  ::close(descriptor);
  // Some network file systems cannot sync a folder and say so.
  if (synced != 0 && cause != EINVAL && cause != ENOTSUP) {
    refuse(path, needed, cause);
  }
}

}  // namespace

AtomicFile::AtomicFile(fs::path target, std::uint64_t needed)
    : target_(std::move(target)), needed_(needed) {
  static std::atomic<std::uint64_t> serial{0};
  do {
    path_ = target_;
    path_ += kMark + std::to_string(::getpid()) + "-" + std::to_string(serial++);
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 && errno == EEXIST);
  if (descriptor_ < 0) {
    refuse(target_, needed_, errno);
  }
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::write(std::span<const std::byte> bytes) {
  overwrite(size_, bytes);
  size_ += bytes.size();
}

void AtomicFile::overwrite(std::uint64_t first, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count =
        ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(first));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      fail();
    }
    first += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) {
    fail();
  }
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0 || ::rename(path_.c_str(), target_.c_str()) != 0) {
    fail();
  }
  path_.clear();
  sync_folder(target_, needed_);
}

// The free bytes that a message names are those there are without the temporary file.
void AtomicFile::fail() {
  const int cause = errno;
  discard();
  refuse(target_, needed_, cause);
}

void AtomicFile::discard() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
    descriptor_ = -1;
  }
  if (!path_.empty()) {
    ::unlink(path_.c_str());
    path_.clear();
  }
}

void write_atomically(const fs::path& path, std::span<const std::byte> bytes) {
  AtomicFile file(path, bytes.size());
  file.write(bytes);
  file.commit();
}

void write_atomically(const fs::path& path, std::string_view text) {
  write_atomically(path, std::as_bytes(std::span(text)));
}

void remove_temporary_files(const fs::path& folder) {
  static const std::regex temporary(std::string(".*\\") + kMark + "[0-9]+-[0-9]+");
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (std::regex_match(entry.path().filename().string(), temporary)) fs::remove(entry);
  }
}

}  // namespace bayesum
