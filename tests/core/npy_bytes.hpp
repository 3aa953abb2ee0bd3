#pragma once

#include <string>
#include <vector>

namespace bayesum::testing {

// The bytes before the numbers of a .npy file, as NEP 1 lays them out.
inline std::string npy_header(const std::string& dictionary, int version = 1) {
  const std::size_t before = version == 1 ? 10 : 12;
  std::string text = dictionary;
  text.append(63 - (before + text.size()) % 64, ' ').append("\n");
  std::string head = "\x93NUMPY";
  head += {static_cast<char>(version), '\0'};
  for (std::size_t byte = 8; byte < before; ++byte) {
    head += static_cast<char>(text.size() >> (8 * (byte - 8)) & 255);
  }
  return head + text;
}

template <class T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

inline std::string npy_matrix(const std::vector<double>& values, std::size_t columns) {
  return npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (" +
                    std::to_string(values.size() / columns) + ", " + std::to_string(columns) +
                    "), }") +
         raw(values);
}

inline std::string npy_vector(const std::vector<double>& values) {
  return npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (" +
                    std::to_string(values.size()) + ",), }") +
         raw(values);
}

}  // namespace bayesum::testing
