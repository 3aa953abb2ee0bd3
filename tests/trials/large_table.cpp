// large_table FOLDER BYTES: writes x.npy, BYTES of standard normal numbers in 50 columns, y.npy, a
// linear response to them, and any.npy, whether a logistic one is positive.

#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "kernels/random.hpp"

namespace {

using namespace bayesum;

constexpr std::size_t kColumns = 50;
constexpr std::size_t kRowsAtOnce = 20000;

std::ofstream npy(const std::string& path, const std::string& shape) {
  std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (" + shape + "), }";
  header.append(128 - 10 - 1 - header.size(), ' ').append("\n");
  std::ofstream file(path, std::ios::binary);
  file << "\x93NUMPY" << '\1' << '\0' << static_cast<char>(header.size()) << '\0' << header;
  return file;
}

void put(std::ofstream& file, const std::vector<double>& values) {
  file.write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size() * sizeof(double)));
}

bool write(const std::string& folder, std::size_t rows) {
  std::ofstream x = npy(folder + "/x.npy", std::to_string(rows) + ", " + std::to_string(kColumns));
  std::ofstream y = npy(folder + "/y.npy", std::to_string(rows) + ",");
  std::ofstream any = npy(folder + "/any.npy", std::to_string(rows) + ",");
  for (std::size_t first = 0; first < rows; first += kRowsAtOnce) {
    const std::size_t count = std::min(kRowsAtOnce, rows - first);
    std::vector<double> values(count * kColumns), noise(count), chance(count);
    fill_normal(Stream(), {.seed = 1, .draw = 0}, first * kColumns, std::span(values));
    fill_normal(Stream(), {.seed = 1, .draw = 1}, first, std::span(noise));
    fill_uniform(Stream(), {.seed = 1, .draw = 2}, first, std::span(chance));
    put(x, values);
    for (std::size_t i = 0; i < count; ++i) {
      double z = 0.25;
      for (std::size_t j = 0; j < kColumns; ++j) {
        z += (j % 2 == 0 ? 0.1 : -0.1) * values[i * kColumns + j];
      }
      noise[i] = z + 0.5 * noise[i];
      chance[i] = chance[i] < 1 / (1 + std::exp(-z)) ? 1.0 : 0.0;
    }
    put(y, noise);
    put(any, chance);
  }
  return x.flush() && y.flush() && any.flush();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  if (write(argv[1], std::stoull(argv[2]) / (kColumns * sizeof(double)))) return 0;
  std::perror(argv[1]);
  return 3;
}
