#include "core/data/memory.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

namespace bayesum {
namespace {

constexpr std::uint64_t kUnknown = std::numeric_limits<std::uint64_t>::max();

std::uint64_t available() {
  std::ifstream file("/proc/meminfo");
  for (std::string word; file >> word;) {
    std::uint64_t kib = 0;
    if (word == "MemAvailable:" && file >> kib) return kib << 10;
  }
  return kUnknown;
}

// The least limit in a control group and those around it; "max" is none.
std::uint64_t limit_of(const std::filesystem::path& root, std::filesystem::path group,
                       const char* name) {
  std::uint64_t least = kUnknown;
  while (true) {
    std::uint64_t limit = 0;
    if (std::ifstream(root / group.relative_path() / name) >> limit) least = std::min(least, limit);
    if (!group.has_relative_path()) return least;
    group = group.parent_path();
  }
}

std::uint64_t group_limit() {
  std::uint64_t least = kUnknown;
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {  // "4:memory:/a/b", or "0::/a/b" of version 2
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {
      least = std::min(least, limit_of("/sys/fs/cgroup", group, "memory.max"));
    } else if (("," + controllers + ",").find(",memory,") != std::string::npos) {
      least = std::min(least, limit_of("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes"));
    }
  }
  return least;
}

std::uint64_t own_limit() {
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kUnknown;
  return limit.rlim_cur;
}

}  // namespace

std::size_t usable_memory_bytes() {
  const std::uint64_t least = std::min({available(), group_limit(), own_limit()});
  return least == kUnknown ? 0 : static_cast<std::size_t>(least);
}

std::int64_t automatic_cache_mib(std::size_t sharing) {
  const std::size_t usable = usable_memory_bytes();
  return usable == 0 ? 1024 : static_cast<std::int64_t>((usable >> 20) / (4 * sharing));
}

}  // namespace bayesum
