#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/files/safetensors.hpp"
#include "core/posterior.hpp"

namespace bayesum {

// The name and the family of each block of lambda, in order: what a file says of the vectors in it.
using BlockNames = std::vector<std::pair<std::string, std::string>>;

BlockNames block_names(const Posterior& q);

// A JSON list of lists of two texts: [["weights","dirichlet"],["components","normal-wishart"]].
std::string text_of(const BlockNames& names);
// What the metadata `blocks` hold. Error(kFile) for anything but such a list, of different names
// and of no more than a MiB.
BlockNames read_block_names(const TensorFile& file);

}  // namespace bayesum
