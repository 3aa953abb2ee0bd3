#include "launch/table.hpp"

#include <gtest/gtest.h>
#include <stdio.h>
#include <stdlib.h>

#include <string>

#include "launch/progress.hpp"

namespace bayesum {
namespace {

TEST(Table, AlignsNumbersToTheRightByCharacters) {
  Table table({"", "mean", "sd"});
  table.add({"größe", "1", "0.25"});
  table.add({"age", "-10.5", ""});
  EXPECT_EQ(table.text(),
            "        mean    sd\n"
            "größe      1  0.25\n"
            "age    -10.5\n");
  EXPECT_EQ(table.text(Table::kLeft),
            "       mean   sd\n"
            "größe  1      0.25\n"
            "age    -10.5\n");
}

TEST(Table, WritesAmountsWithTheirUnits) {
  EXPECT_EQ(counted(1, "rank"), "1 rank");
  EXPECT_EQ(counted(0, "rank"), "0 ranks");
  EXPECT_EQ(bytes_text(0), "0 bytes");
  EXPECT_EQ(bytes_text(1023), "1023 bytes");
  EXPECT_EQ(bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(bytes_text(3.0 * (1 << 30)), "3.0 GiB");
  EXPECT_EQ(seconds_text(2.5e-6), "2.5 us");
  EXPECT_EQ(seconds_text(0.0125), "12.5 ms");
  EXPECT_EQ(seconds_text(12.34), "12.3 s");
  EXPECT_EQ(seconds_text(200), "3 min 20 s");
  EXPECT_EQ(seconds_text(7260), "2 h 1 min");
}

Progress::Moment moment(std::int64_t step) {
  return {step, static_cast<double>(step), "ELBO -12.5  residual 0.125"};
}

std::string shown(bool terminal, std::int64_t steps) {
  char* text = nullptr;
  std::size_t size = 0;
  FILE* const out = ::open_memstream(&text, &size);
  {
    Progress progress(out, terminal, 10);
    for (std::int64_t step = 0; step <= steps; ++step) progress.show(moment(step));
    progress.finish(moment(steps));
  }
  ::fclose(out);
  const std::string result(text, size);
  ::free(text);
  return result;
}

TEST(Progress, SaysTheFirstAndTheLastStepInPlainLinesAndThrottlesTheRest) {
  EXPECT_EQ(shown(false, 5),
            "step 0 of at most 10  ELBO -12.5  residual 0.125\n"
            "step 5 of at most 10  ELBO -12.5  residual 0.125  1 steps/s\n");
  EXPECT_EQ(shown(false, 0), "step 0 of at most 10  ELBO -12.5  residual 0.125\n");
}

TEST(Progress, RedrawsOneLineOnATerminal) {
  const std::string text = shown(true, 5);
  EXPECT_EQ(text,
            "\rstep 0 of at most 10  ELBO -12.5  residual 0.125\033[K"
            "\rstep 5 of at most 10  ELBO -12.5  residual 0.125  1 steps/s\033[K\n");
}

}  // namespace
}  // namespace bayesum
