#pragma once

#include <string>
#include <utility>
#include <vector>

namespace bayesum {

// A picture drawn by gnuplot as SVG that stands inside a page of HTML.
//
// gnuplot sees this program's own words and numbers alone: a text from outside, such as the name of
// a column, is a label, which the script holds as a placeholder and the SVG, in the end, escaped.
// The colours of the script are roles, "#010101" and so on, which become the page's variables
// --ink, --soft, --line, --accent, --second, so that a picture follows the page into the dark.
class Picture {
 public:
  static constexpr const char* kInk = "\"#010101\"";
  static constexpr const char* kSoft = "\"#010102\"";
  static constexpr const char* kLine = "\"#010103\"";
  static constexpr const char* kAccent = "\"#010104\"";
  static constexpr const char* kSecond = "\"#010105\"";

  // `name` sets its parts apart from those of the page's other pictures: letters alone. In pixels.
  Picture(std::string name, int width, int height);

  // A line of gnuplot's language; nothing of it comes from outside.
  void line(const std::string& command);
  // The quoted placeholder that stands for any text in a line, as wide as the text where it can be.
  std::string label(std::string text);
  // A block of data, one line for each row, under the name that is returned: "$d0". A number that
  // is not finite is a gap.
  std::string data(const std::vector<std::vector<double>>& rows);

  // <svg role="img" aria-label="alt"> ... </svg>. Error(kFile) naming the package when there is no
  // gnuplot, Error(kDevice) with its first words when it fails.
  std::string svg(const std::string& alt) const;

 private:
  std::string name_;
  int width_;
  int height_;
  int blocks_ = 0;
  std::string script_;
  std::vector<std::string> labels_;
};

}  // namespace bayesum
