#pragma once

#include <string>

namespace bayesum {

// What gnuplot, found on PATH and started without a shell or anybody's settings, writes to its
// standard output when it reads this script. Error(kFile) naming the package when it is not there,
// Error(kDevice) with the first line of its complaint when it fails.
std::string run_gnuplot(const std::string& script);

}  // namespace bayesum
