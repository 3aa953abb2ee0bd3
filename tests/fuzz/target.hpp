#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

// What a fuzz target of a file format is made of.
namespace bayesum::fuzz {

// The target's own: reads these bytes as its format. It may throw Error; anything else, a crash, or
// a property that does not hold (see `require`) is a finding.
void read_input(std::span<const std::byte> bytes);

// read_input, with what an Error must be: code 2 or 3, one sentence.
void try_input(std::span<const std::byte> bytes);

// Aborts with the sentence where the condition does not hold.
void require(bool condition, const char* sentence);

// A file in memory that holds these bytes, for readers that take a path. One at a time.
std::filesystem::path file_of(std::span<const std::byte> bytes);

}  // namespace bayesum::fuzz
