#include "launch/gnuplot.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

[[noreturn]] void fail(const std::string& why) {
  throw Error(ExitCode::kDevice, "gnuplot: " + why);
}

std::string text_of(int code) { return std::generic_category().message(code); }

// A file in memory, which a child can read or write to its end while nobody waits for it.
class MemoryFile {
 public:
  explicit MemoryFile(const char* name) : descriptor_(::memfd_create(name, MFD_CLOEXEC)) {
    if (descriptor_ < 0) fail("no memory for a file, " + text_of(errno));
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(descriptor_); }

  int descriptor() const { return descriptor_; }

  void write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t count = ::write(descriptor_, text.data(), text.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("its script cannot be written, " + text_of(errno));
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    ::lseek(descriptor_, 0, SEEK_SET);
  }

  std::string read() const {
    std::string text;
    std::array<char, 1 << 16> part;
    ::lseek(descriptor_, 0, SEEK_SET);
    for (;;) {
      const ssize_t count = ::read(descriptor_, part.data(), part.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("its picture cannot be read, " + text_of(errno));
      if (count == 0) return text;
      text.append(part.data(), static_cast<std::size_t>(count));
    }
  }

 private:
  int descriptor_;
};

// gnuplot points at the place of an error before it says what it is.
std::string complaint(const std::string& text) {
  const std::size_t said = text.find("line ");
  const std::size_t first = said == std::string::npos ? text.find_first_not_of(" \n") : said;
  if (first == std::string::npos) return "it failed without a word";
  return text.substr(first, text.find('\n', first) - first);
}

pid_t start(const MemoryFile& in, const MemoryFile& out, const MemoryFile& error) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.descriptor(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out.descriptor(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, error.descriptor(), STDERR_FILENO);
  std::array<char, 8> program{"gnuplot"};
  std::array<char, 3> no_settings{"-d"};
  const std::array<char*, 3> arguments{program.data(), no_settings.data(), nullptr};
  pid_t child = 0;
  const int problem =
      ::posix_spawnp(&child, program.data(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (problem == ENOENT || problem == EACCES) {
    throw Error(ExitCode::kFile,
                "pictures need gnuplot, which is not on this machine: install the package "
                "gnuplot-nox (launch/install.sh does it)");
  }
  if (problem != 0) fail("it cannot be started, " + text_of(problem));
  return child;
}

}  // namespace

std::string run_gnuplot(const std::string& script) {
  MemoryFile in("script"), out("picture"), error("complaint");
  in.write(script);
  const pid_t child = start(in, out, error);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) fail("it was lost, " + text_of(errno));
  }
  if (!WIFEXITED(status)) fail("it was ended by signal " + std::to_string(WTERMSIG(status)));
  if (WEXITSTATUS(status) != 0) fail(complaint(error.read()));
  return out.read();
}

}  // namespace bayesum
