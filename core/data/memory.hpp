#pragma once

#include <cstddef>
#include <cstdint>

namespace bayesum {

// Bytes of host memory that this process may use, as far as the system tells: the least of the
// machine's available memory (MemAvailable of /proc/meminfo), the limits of its control groups
// (memory.max of version 2, memory.limit_in_bytes of version 1), and its own (RLIMIT_AS). 0 when
// nothing is known.
std::size_t usable_memory_bytes();

// MiB of rows that a rank may keep of its own accord where so many ranks share the memory: a
// quarter of it, evenly; 1024 when nothing is known.
std::int64_t automatic_cache_mib(std::size_t sharing);

}  // namespace bayesum
