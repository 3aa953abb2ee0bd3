#include "launch/pictures.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "launch/picture.hpp"
#include "launch/table.hpp"

namespace bayesum {
namespace {

constexpr int kWidth = 480;
constexpr int kHeight = 320;
constexpr std::size_t kMostPoints = 600;  // of a curve, which has no more pixels
constexpr std::size_t kLongestName = 28;
constexpr double kLeastResidual = 1e-17;  // a residual of zero on a logarithmic axis

std::string colour(const char* role) { return std::string(" linecolor rgb ") + role; }

std::string number(double x) { return rounded(x, 10); }

Picture framed(const char* name, const std::string& x_axis, const std::string& y_axis) {
  Picture picture(name, kWidth, kHeight);
  picture.line("set xlabel \"" + x_axis + "\" textcolor rgb " + Picture::kInk);
  picture.line("set ylabel \"" + y_axis + "\" textcolor rgb " + Picture::kInk);
  return picture;
}

void draw_curve(Picture& picture, const std::vector<std::vector<double>>& points) {
  const bool sparse = points.size() <= 40;
  picture.line("plot " + picture.data(points) + " using 1:2 with " +
               (sparse ? "linespoints pointtype 7 pointsize 0.5" : "lines") +
               colour(Picture::kAccent) + " linewidth 2 notitle");
}

// Every so many-th step and the last.
template <class Value>
std::vector<std::vector<double>> curve(const std::vector<StepReport>& steps, const Value& value) {
  const std::size_t stride = (steps.size() + kMostPoints - 1) / kMostPoints;
  std::vector<std::vector<double>> points;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (i % stride != 0 && i + 1 != steps.size()) continue;
    points.push_back({static_cast<double>(steps[i].step), value(steps[i])});
  }
  return points;
}

void set_steps(Picture& picture, const std::vector<StepReport>& steps) {
  const double first = static_cast<double>(steps.front().step);
  const double last = std::max(first + 1.0, static_cast<double>(steps.back().step));
  picture.line("set xrange [" + number(first) + ":" + number(last) + "]");
  if (last - first <= 10) picture.line("set xtics 1");
}

// The central 95 % interval of an observed share of n rows (Wilson, JASA 22, 1927).
std::pair<double, double> wilson(double share, double n) {
  constexpr double kZ = 1.959963984540054;
  const double z2 = kZ * kZ / n;
  const double middle = (share + 0.5 * z2) / (1.0 + z2);
  const double reach = kZ * std::sqrt(share * (1.0 - share) / n + z2 / (4.0 * n)) / (1.0 + z2);
  return {middle - reach, middle + reach};
}

std::string draw_reliability(const Evaluation& scores) {
  Picture picture = framed("reliability", "predicted probability", "observed share");
  picture.line("set xrange [0:1]; set yrange [0:1]");
  std::vector<std::vector<double>> points;
  for (const CalibrationBin& bin : scores.bins) {
    if (!(bin.share > 0)) continue;
    const auto [low, high] = wilson(bin.observed, std::max(1.0, bin.share * scores.rows));
    points.push_back({bin.predicted, bin.observed, low, high, 0.45 + std::sqrt(bin.share)});
  }
  const std::string data = picture.data(points);
  picture.line("plot x with lines" + colour(Picture::kSoft) +
               " dashtype 2 title \"perfect calibration\", " + data +
               " using 1:2:3:4 with yerrorbars pointtype 7 pointsize 0.3 linewidth 1.5" +
               colour(Picture::kAccent) + " title \"observed, 95 % interval\", " + data +
               " using 1:2:5 with points pointtype 7 pointsize variable" +
               colour(Picture::kAccent) + " notitle");
  return picture.svg("Reliability diagram: observed share of ones against predicted probability");
}

std::string draw_transform(const Evaluation& scores) {
  Picture picture = framed("transform", "probability integral transform", "share of rows");
  const double uniform = 1.0 / static_cast<double>(scores.bins.size());
  const double sd = std::sqrt(uniform * (1.0 - uniform) / scores.rows);
  double most = uniform + 3 * sd;
  std::vector<std::vector<double>> bars;
  for (const CalibrationBin& bin : scores.bins) {
    bars.push_back({0.5 * (bin.low + bin.high), bin.observed, bin.high - bin.low});
    most = std::max(most, bin.observed);
  }
  picture.line("set xrange [0:1]; set yrange [0:" + number(1.25 * most) + "]");
  const std::string low = number(std::max(0.0, uniform - 1.96 * sd));
  const std::string high = number(uniform + 1.96 * sd);
  picture.line("plot " + picture.data(bars) + " using 1:2:($3*0.94) with boxes" +
               colour(Picture::kAccent) + " title \"observed\", " + number(uniform) +
               " with lines linewidth 2" + colour(Picture::kSecond) + " title \"calibrated\", " +
               low + " with lines dashtype 2" + colour(Picture::kSecond) +
               " title \"95 % of its scatter\", " + high + " with lines dashtype 2" +
               colour(Picture::kSecond) + " notitle");
  return picture.svg("Histogram of the probability integral transform of the held-out responses");
}

std::string draw_outcomes(const PredictiveCheck& check, const std::string& response) {
  Picture picture("outcomes", kWidth, kHeight);
  picture.line(std::string("set xlabel \"predicted probability\" textcolor rgb ") + Picture::kInk);
  picture.line(std::string("set ylabel \"share of the rows\" textcolor rgb ") + Picture::kInk);
  std::vector<std::vector<double>> bars;
  for (const auto& bin : check.outcomes) {
    const double width = bin.high - bin.low;
    bars.push_back(
        {bin.low + 0.28 * width, bin.low + 0.72 * width, 0.42 * width, bin.zeros, bin.ones});
  }
  picture.line("set xrange [0:1]; set yrange [0:*]");
  const std::string data = picture.data(bars);
  const std::string name = shortened(response, kLongestName);
  picture.line("plot " + data + " using 1:4:3 with boxes" + colour(Picture::kSecond) + " title " +
               picture.label(name + " = 0") + ", " + data + " using 2:5:3 with boxes" +
               colour(Picture::kAccent) + " title " + picture.label(name + " = 1"));
  return picture.svg("Histograms of the predicted probability of " + response +
                     " among the rows where it is 0 and where it is 1");
}

std::string draw_spread(const PredictiveCheck& check, const std::string& response) {
  Picture picture("spread", kWidth, kHeight);
  picture.line("set xlabel " + picture.label(shortened(response, 2 * kLongestName)) +
               " textcolor rgb " + Picture::kInk);
  picture.line(std::string("set ylabel \"share of the rows\" textcolor rgb ") + Picture::kInk);
  std::vector<std::vector<double>> points;
  const double half = check.whole_numbers ? 0.5 : 0.0;
  for (const auto& bin : check.bins) {
    points.push_back({0.5 * (bin.low + bin.high), bin.observed, bin.predicted,
                      0.94 * (bin.high - bin.low + 2 * half)});
  }
  picture.line("set xrange [" + number(check.bins.front().low - half) + ":" +
               number(check.bins.back().high + half) + "]; set yrange [0:*]");
  if (check.whole_numbers) {
    const PredictiveCheck::Bin& last = check.bins.back();
    picture.line("set xtics add (\"" + number(last.low) + "+\" " +
                 number(0.5 * (last.low + last.high)) + ")");
  }
  const std::string data = picture.data(points);
  picture.line("plot " + data + " using 1:2:4 with boxes" + colour(Picture::kAccent) +
               " title \"observed\", " + data +
               " using 1:3 with linespoints pointtype 7 pointsize 0.5 linewidth 2" +
               colour(Picture::kSecond) + " title \"predicted\"");
  return picture.svg("Histogram of the observed " + response +
                     " with the shares that the model predicts");
}

}  // namespace

std::string draw_forest(const std::vector<Estimate>& estimates, const std::string& axis,
                        bool zero) {
  constexpr int kForestWidth = 720;
  Picture picture("forest", kForestWidth, 64 + 22 * static_cast<int>(estimates.size()));
  std::vector<std::vector<double>> clear, open;
  std::string names;
  std::size_t longest = 0;
  for (std::size_t i = 0; i < estimates.size(); ++i) {
    const Estimate& estimate = estimates[i];
    const auto y = static_cast<double>(estimates.size() - i);
    const std::string name = shortened(estimate.name, kLongestName);
    longest = std::max(longest, width(name));
    names += (names.empty() ? "" : ", ") + picture.label(name) + " " + number(y);
    (!zero || estimate.excludes_zero() ? clear : open)
        .push_back({estimate.mean, y, estimate.low, estimate.high});
  }
  const double margin = (7.6 * static_cast<double>(longest) + 20.0) / kForestWidth;
  picture.line("set lmargin at screen " + number(margin));
  picture.line("set rmargin at screen 0.97");
  picture.line("set tmargin 0.5");
  picture.line("set border 1");
  picture.line("set ytics (" + names + ") scale 0");
  picture.line("set yrange [0.4:" + number(static_cast<double>(estimates.size()) + 0.6) + "]");
  picture.line("set grid noxtics noytics");
  picture.line("set grid xtics");
  if (zero) {
    picture.line(std::string("set arrow from first 0, graph 0 to first 0, graph 1 nohead "
                             "linewidth 1.2 linecolor rgb ") +
                 Picture::kSoft);
    picture.line("set xrange [*<0:0<*]");
  }
  picture.line("set xlabel \"" + axis + "\" textcolor rgb " + Picture::kInk);
  std::string plot;
  for (const auto& [rows, role] :
       {std::pair(clear, Picture::kAccent), std::pair(open, Picture::kSoft)}) {
    if (rows.empty()) continue;
    plot += (plot.empty() ? "plot " : ", ") + picture.data(rows) +
            " using 1:2:3:4 with xerrorbars pointtype 7 pointsize 0.55 linewidth 1.8" +
            colour(role) + " notitle";
  }
  picture.line(plot);
  return picture.svg("Means and 95 % intervals of " + counted(estimates.size(), "parameter"));
}

std::string draw_shares(const std::vector<Share>& shares, const std::string& axis) {
  constexpr int kBarsWidth = 720;
  constexpr double kHalf = 0.34;  // of a bar
  Picture picture("shares", kBarsWidth, 64 + 22 * static_cast<int>(shares.size()));
  std::vector<std::vector<double>> bars;
  std::string names;
  std::size_t longest = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const auto y = static_cast<double>(shares.size() - i);
    const std::string name = shortened(shares[i].name, 2 * kLongestName);
    longest = std::max(longest, width(name));
    names += (names.empty() ? "" : ", ") + picture.label(name) + " " + number(y);
    bars.push_back({0.5 * shares[i].share, y, 0.0, shares[i].share, y - kHalf, y + kHalf});
  }
  const double margin = (7.6 * static_cast<double>(longest) + 20.0) / kBarsWidth;
  picture.line("set lmargin at screen " + number(std::min(0.7, margin)));
  picture.line("set rmargin at screen 0.97");
  picture.line("set tmargin 0.5");
  picture.line("set border 1");
  picture.line("set ytics (" + names + ") scale 0");
  picture.line("set yrange [0.4:" + number(static_cast<double>(shares.size()) + 0.6) + "]");
  picture.line("set xrange [0:*]");
  picture.line("set grid noxtics noytics");
  picture.line("set grid xtics");
  picture.line("set xlabel \"" + axis + "\" textcolor rgb " + Picture::kInk);
  picture.line("plot " + picture.data(bars) + " using 1:2:3:4:5:6 with boxxyerror" +
               colour(Picture::kAccent) + " notitle");
  return picture.svg("Shares of " + counted(shares.size(), "part") + " of the whole");
}

std::string draw_elbo(const std::vector<StepReport>& steps) {
  Picture picture = framed("elbo", "step", "ELBO");
  picture.line("set format y \"%.8g\"");
  set_steps(picture, steps);
  draw_curve(picture, curve(steps, [](const StepReport& step) { return step.elbo; }));
  return picture.svg("ELBO over the steps of the training, up to " + rounded(steps.back().elbo, 8));
}

std::string draw_residual(const std::vector<StepReport>& steps) {
  Picture picture = framed("residual", "step", "residual");
  picture.line("set logscale y; set format y \"1e%T\"");
  set_steps(picture, steps);
  draw_curve(picture, curve(steps, [](const StepReport& step) {
               return std::max(kLeastResidual, step.residual);
             }));
  return picture.svg("Residual over the steps of the training, down to " +
                     rounded(steps.back().residual, 3));
}

std::string draw_calibration(const Evaluation& scores) {
  return std::isnan(scores.brier) ? draw_transform(scores) : draw_reliability(scores);
}

std::string draw_check(const PredictiveCheck& check, const std::string& response) {
  return check.bins.empty() ? draw_outcomes(check, response) : draw_spread(check, response);
}

}  // namespace bayesum
