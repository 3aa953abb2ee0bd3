#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace bayesum {

// Replaces the file by these bytes, whole or not at all: temporary file beside it, fsync, rename,
// fsync of the folder. Error(kFile) naming path and cause (for a full disk the bytes needed and
// free); the old file then stands and the temporary one is gone.
void write_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_atomically(const std::filesystem::path& path, std::string_view text);

}  // namespace bayesum
