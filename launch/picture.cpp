#include "launch/picture.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "kernels/error.hpp"
#include "launch/gnuplot.hpp"
#include "launch/html.hpp"
#include "launch/table.hpp"

namespace bayesum {
namespace {

constexpr const char* kFrame = R"(set encoding utf8
set border 3 linecolor rgb "#010102" linewidth 0.8
set tics nomirror scale 0.5 textcolor rgb "#010101"
set grid linecolor rgb "#010103" linetype 1 linewidth 0.6
set key textcolor rgb "#010101" samplen 1.5 above left reverse Left horizontal width 1
set style fill solid 1 noborder
set bars 0.4
)";

constexpr std::array kRoles = {"ink", "soft", "line", "accent", "second"};

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

// Removes every <title>...</title>, which a browser would show under the pointer.
void remove_titles(std::string& svg) {
  const std::string end = "</title>";
  for (std::size_t at = svg.find("<title>"); at != std::string::npos;
       at = svg.find("<title>", at)) {
    svg.erase(at, svg.find(end, at) + end.size() - at);
  }
}

// As gnuplot writes the colours of the roles, and the white that it clears the place of a point
// with.
void colour(std::string& svg) {
  replace_all(svg, "color='white'", "color='var(--paper)'");
  for (std::size_t role = 0; role < kRoles.size(); ++role) {
    const std::string number = std::to_string(role + 1);
    const std::string variable = std::string("var(--") + kRoles[role] + ")";
    replace_all(svg, "rgb(  1,   1,   " + number + ")", variable);
    replace_all(svg, "rgb(1,1," + number + ")", variable);
  }
}

constexpr std::string_view kOpen = "[#";
constexpr std::string_view kClose = "#]";

// In one pass, so that what a label says is never taken for a placeholder.
std::string with_labels(std::string_view svg, const std::vector<std::string>& labels) {
  std::string text;
  for (std::size_t at = svg.find(kOpen); at != std::string_view::npos; at = svg.find(kOpen)) {
    text += svg.substr(0, at);
    svg.remove_prefix(at + kOpen.size());
    std::size_t label = 0;
    std::from_chars(svg.data(), svg.data() + svg.size(), label);
    text += html::escaped(labels.at(label));
    svg.remove_prefix(svg.find(kClose) + kClose.size());
  }
  return text.append(svg);
}

}  // namespace

Picture::Picture(std::string name, int width, int height)
    : name_(std::move(name)), width_(width), height_(height) {
  script_ = "set terminal svg size " + std::to_string(width_) + "," + std::to_string(height_) +
            " dynamic noenhanced font \"inherit,13\" name \"" + name_ + "\"\n" + kFrame;
}

void Picture::line(const std::string& command) { script_ += command + "\n"; }

std::string Picture::label(std::string text) {
  std::string placeholder = std::string(kOpen) + std::to_string(labels_.size());
  const std::size_t known = placeholder.size() + kClose.size();
  placeholder.append(std::max(known, width(text)) - known, '.').append(kClose);
  labels_.push_back(std::move(text));
  return "\"" + placeholder + "\"";
}

std::string Picture::data(const std::vector<std::vector<double>>& rows) {
  const std::string name = "$d" + std::to_string(blocks_++);
  script_ += name + " << END\n";
  for (const auto& row : rows) {
    for (const double x : row) {
      std::array<char, 32> text;
      char* const end = std::to_chars(text.data(), text.data() + text.size(), x).ptr;
      script_ += std::isfinite(x) ? std::string(text.data(), end) : std::string("NaN");
      script_ += ' ';
    }
    script_ += '\n';
  }
  script_ += "END\n";
  return name;
}

std::string Picture::svg(const std::string& alt) const {
  std::string svg = run_gnuplot(script_);
  const std::size_t begin = svg.find("<svg");
  if (begin == std::string::npos || svg.find("</svg>") == std::string::npos) {
    throw Error(ExitCode::kDevice, "gnuplot: it drew no picture '" + name_ + "'");
  }
  svg.erase(0, begin);
  remove_titles(svg);
  colour(svg);
  for (const char* part : {"gpPt", "gpDot", "textbox", "greybox", "gnuplot_canvas"}) {
    replace_all(svg, part, name_ + "_" + part);
  }
  return with_labels(svg, labels_)
      .replace(0, 4, "<svg role=\"img\" aria-label=\"" + html::escaped(alt) + "\"");
}

}  // namespace bayesum
