#pragma once

#include <span>
#include <string>
#include <string_view>

namespace bayesum {

// The candidate nearest to a mistyped word by edit distance (insertions, deletions, substitutions),
// the first of equals; empty when there is no candidate. For "did you mean" in messages.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace bayesum
