#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bayesum {

// The header of a .npy file, the text of a Python dictionary such as
//   {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }
struct NpyHeader {
  std::string descr;                                        // of a plain array
  std::vector<std::pair<std::string, std::string>> fields;  // name and type of a structured one's
  bool fortran_order = false;
  std::vector<std::size_t> shape;
};

// Throws Error(kFile) with what is wrong alone, for whoever knows the file.
NpyHeader parse_npy_header(std::string_view text);

}  // namespace bayesum
