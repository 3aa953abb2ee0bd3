#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bayesum {

// What the operating system tells of this machine and this process; "unknown" where it does not.

std::string processor_name();
double memory_bytes();                // in all; 0 when unknown
double available_memory_bytes();      // 0 when unknown
double resident_memory_bytes();       // that this process holds now; 0 when unknown
std::uint64_t peak_memory_bytes();    // that it has held so far
std::string nvidia_driver_version();  // empty without a driver
// Files of the shared libraries loaded into this process whose name contains `part`.
std::vector<std::string> loaded_libraries(const std::string& part);

}  // namespace bayesum
