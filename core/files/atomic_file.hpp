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

// Removes the temporary files of such writes that a killed process has left in the folder. Only
// where nobody else is writing.
void remove_temporary_files(const std::filesystem::path& folder);

}  // namespace bayesum
