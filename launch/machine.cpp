#include "launch/machine.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace bayesum {
namespace {

// What follows "KEY" and a colon in a file of such lines.
std::string value_of(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || !line.starts_with(key)) continue;
    const std::size_t first = line.find_first_not_of(' ', colon + 1);
    return first == std::string::npos ? "" : line.substr(first);
  }
  return "";
}

double kilobytes_of(const std::string& key) {
  std::istringstream text(value_of("/proc/meminfo", key + ":"));
  double kilobytes = 0;
  text >> kilobytes;
  return 1024 * kilobytes;
}

}  // namespace

std::string processor_name() {
  const std::string name = value_of("/proc/cpuinfo", "model name");
  return name.empty() ? "unknown" : name;
}

double memory_bytes() { return kilobytes_of("MemTotal"); }

double available_memory_bytes() { return kilobytes_of("MemAvailable"); }

double resident_memory_bytes() {
  std::uint64_t pages = 0, resident = 0;
  std::ifstream file("/proc/self/statm");
  if (!(file >> pages >> resident)) return 0;
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t peak_memory_bytes() {
  struct rusage usage {};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<std::uint64_t>(usage.ru_maxrss) << 10;
}

std::string nvidia_driver_version() {
  return value_of("/proc/driver/nvidia/version", "NVRM version");
}

std::vector<std::string> loaded_libraries(const std::string& part) {
  std::ifstream maps("/proc/self/maps");
  std::vector<std::string> found;
  for (std::string line; std::getline(maps, line);) {
    const std::size_t slash = line.find('/');
    if (slash == std::string::npos) continue;
    const std::filesystem::path file(line.substr(slash));
    if (file.filename().string().find(part) == std::string::npos) continue;
    if (std::find(found.begin(), found.end(), file) == found.end()) found.push_back(file);
  }
  return found;
}

}  // namespace bayesum
