#include "launch/picture.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <limits>

#include "launch/gnuplot.hpp"
#include "launch/html.hpp"
#include "tests/core/files.hpp"

namespace bayesum {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

// What gnuplot's language, its labels, its data or SVG might take for something else.
const std::vector<std::string> kAwkward = {
    "\"; system \"touch pwned\"; \"",
    "'`touch pwned`'",
    "a_b^{c} @d &{e} \\n \\042",
    "$d0 << END",
    "END",
    "<b>&amp;</b> \"quoted\" 'single'",
    "[#0#] [#1#] #]",
    "%s%n %g",
    "tab\tand\x01 control",
    "døse µ 日本 ,;:|#",
    "",
};

TEST(Picture, AnyTextIsALabelAndNothingElse) {
  const TemporaryFolder folder;
  const auto here = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  Picture picture("awkward", 400, 300);
  std::string tics;
  for (std::size_t i = 0; i < kAwkward.size(); ++i) {
    tics += (i == 0 ? "" : ", ") + picture.label(kAwkward[i]) + " " + std::to_string(i);
  }
  picture.line("set ytics (" + tics + ")");
  picture.line("set yrange [-1:20]");
  picture.line("plot " + picture.data({{0, 0}, {1, 1}}) + " using 1:2 with points title " +
               picture.label(kAwkward[0]));
  const std::string svg = picture.svg(kAwkward[5]);
  std::filesystem::current_path(here);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "a name was run";
  for (const std::string& text : kAwkward) {
    EXPECT_NE(svg.find("<text>" + html::escaped(text) + "</text>"), std::string::npos)
        << text << " is not a text of the picture";
  }
  EXPECT_TRUE(
      svg.starts_with("<svg role=\"img\" aria-label=\"" + html::escaped(kAwkward[5]) + "\""));
  EXPECT_TRUE(svg.ends_with("</svg>\n\n") || svg.ends_with("</svg>\n"))
      << svg.substr(svg.size() - 20);
  EXPECT_EQ(svg.find("<title>"), std::string::npos);
}

TEST(Picture, FollowsTheColoursOfThePage) {
  Picture picture("colours", 400, 300);
  picture.line("plot " + picture.data({{0, 0}, {1, 1}}) + " using 1:2 with lines linecolor rgb " +
               Picture::kAccent + " notitle");
  const std::string svg = picture.svg("");
  for (const char* role : {"var(--ink)", "var(--soft)", "var(--line)", "var(--accent)"}) {
    EXPECT_NE(svg.find(role), std::string::npos) << role;
  }
  EXPECT_EQ(svg.find("rgb(  1"), std::string::npos);
}

TEST(Picture, HasNamesOfItsOwn) {
  Picture picture("mine", 400, 300);
  picture.line("plot x notitle");
  const std::string svg = picture.svg("");
  for (std::size_t at = svg.find(" id="); at != std::string::npos; at = svg.find(" id=", at + 1)) {
    EXPECT_EQ(svg.substr(at + 5, 5), "mine_") << svg.substr(at, 30);
  }
}

TEST(Picture, GapsAreNoPoints) {
  Picture picture("gaps", 400, 300);
  const double none = std::numeric_limits<double>::quiet_NaN();
  picture.line(
      "plot " +
      picture.data({{0, 0}, {1, none}, {2, std::numeric_limits<double>::infinity()}, {3, 1}}) +
      " using 1:2 with points pointtype 7 notitle");
  const std::string svg = picture.svg("");
  std::size_t points = 0;
  for (std::size_t at = svg.find("gaps_gpPt6' transform"); at != std::string::npos;
       at = svg.find("gaps_gpPt6' transform", at + 1)) {
    ++points;
  }
  EXPECT_EQ(points, 2u);
}

TEST(Gnuplot, ItsFailureIsASentence) {
  const std::string said = error_of(ExitCode::kDevice, [] { run_gnuplot("plot nonsense(\n"); });
  EXPECT_TRUE(said.starts_with("gnuplot: line ")) << said;
  EXPECT_EQ(said.find('\n'), std::string::npos);
  EXPECT_EQ(error_of(ExitCode::kDevice, [] { run_gnuplot("exit status 3\n"); }),
            "gnuplot: it failed without a word");
}

TEST(Gnuplot, WhereThereIsNoneThePackageIsNamed) {
  const char* path = std::getenv("PATH");
  const std::string before = path == nullptr ? "" : path;
  ::setenv("PATH", "/nowhere", 1);
  const std::string said = error_of(ExitCode::kFile, [] { run_gnuplot("plot x\n"); });
  ::setenv("PATH", before.c_str(), 1);
  EXPECT_NE(said.find("gnuplot-nox"), std::string::npos) << said;
}

}  // namespace
}  // namespace bayesum
