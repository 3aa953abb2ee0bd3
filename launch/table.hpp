#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace bayesum {

// A table for people: columns as wide as they need to be, the first flush left, the others right,
// or all of them left.
class Table {
 public:
  enum Alignment { kRight, kLeft };

  explicit Table(std::vector<std::string> header);

  void add(std::vector<std::string> row);  // as many cells as the header has
  const std::vector<std::vector<std::string>>& rows() const { return rows_; }  // header first
  std::string text(Alignment others = kRight) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

std::size_t width(const std::string& text);                              // in characters of UTF-8
std::string shortened(const std::string& text, std::size_t characters);  // "a long na…"
std::string rounded(double x, int digits = 4);                           // significant digits
std::string fixed(double x, int decimals);
std::string counted(std::size_t count, const std::string& noun);  // "1 rank", "2 ranks"
std::string bytes_text(double bytes);                             // "1.2 MiB"
std::string seconds_text(double seconds);                         // "0.012 s", "3 min 20 s"

}  // namespace bayesum
