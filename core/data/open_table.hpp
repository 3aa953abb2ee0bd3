#pragma once

#include <memory>

#include "core/data/dataset.hpp"

namespace bayesum {

// The file of a configuration, in its format; "auto" goes by the extension, without ".gz": .npy;
// .libsvm, .svm and .svmlight; anything else is CSV; "whitespace" is never guessed. Parts of the
// rows that are .npy files of their own are attached to an .npy table as columns; those that
// `support` does not read are not.
std::unique_ptr<TableFile> open_table(const DataConfig& config, Support support);

// Is this the name of an .npy file, and no column's?
bool names_npy_file(const std::string& name);

}  // namespace bayesum
