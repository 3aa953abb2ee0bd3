#include "launch/network/network_pictures.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "launch/picture.hpp"
#include "launch/table.hpp"

namespace bayesum {
namespace {

constexpr int kWidth = 480;
constexpr int kHeight = 320;
constexpr std::size_t kMostPoints = 600;  // of a curve, which has no more pixels

std::string colour(const char* role) { return std::string(" linecolor rgb ") + role; }

Picture framed(const char* name, const std::string& x_axis, const std::string& y_axis) {
  Picture picture(name, kWidth, kHeight);
  picture.line("set xlabel \"" + x_axis + "\" textcolor rgb " + Picture::kInk);
  picture.line("set ylabel \"" + y_axis + "\" textcolor rgb " + Picture::kInk);
  return picture;
}

using Points = std::vector<std::vector<double>>;

// Of a long training the means over runs of steps, which hide less than single steps would.
Points training_points(const std::vector<NetworkReport>& steps) {
  const std::size_t stride = (steps.size() + kMostPoints - 1) / kMostPoints;
  Points points;
  for (std::size_t first = 0; first < steps.size(); first += stride) {
    const std::size_t last = std::min(first + stride, steps.size());
    double sum = 0, count = 0;
    for (std::size_t i = first; i < last; ++i) {
      if (!std::isfinite(steps[i].loss)) continue;
      sum += steps[i].loss;
      count += 1;
    }
    points.push_back({static_cast<double>(steps[last - 1].step), sum / count});
  }
  return points;
}

Points validation_points(const std::vector<ValidationReport>& validations) {
  Points points;
  for (const ValidationReport& each : validations) {
    points.push_back({static_cast<double>(each.step), each.loss});
  }
  return points;
}

// Bins that hold something: predicted, observed, and how large a point is.
Points reliability_points(const std::vector<ReliabilityBin>& bins, double targets) {
  Points points;
  for (const ReliabilityBin& bin : bins) {
    if (!(bin.targets > 0)) continue;
    points.push_back({bin.confidence, bin.accuracy, 0.45 + std::sqrt(bin.targets / targets)});
  }
  return points;
}

}  // namespace

std::string draw_loss(const NetworkCourse& course) {
  Picture picture = framed("loss", "step", "negative log-likelihood");
  std::string plot = "plot " + picture.data(training_points(course.steps)) +
                     " using 1:2 with lines linewidth 1.5" + colour(Picture::kAccent) +
                     " title \"training, at draws\"";
  if (!course.validations.empty()) {
    plot += ", " + picture.data(validation_points(course.validations)) +
            " using 1:2 with linespoints pointtype 7 pointsize 0.5 linewidth 2" +
            colour(Picture::kSecond) + " title \"held out, at the mean\"";
  }
  picture.line(plot);
  return picture.svg("Loss over the steps of the training, down to " +
                     rounded(course.steps.back().loss, 4));
}

std::string draw_reliability(const NetworkEvaluation& scores) {
  Picture picture = framed("networkreliability", "predicted probability", "observed share");
  picture.line("set xrange [0:1]; set yrange [0:1]");
  std::string plot =
      "plot x with lines" + colour(Picture::kSoft) + " dashtype 2 title \"perfect calibration\"";
  for (const auto& [bins, role, name] :
       {std::tuple(&scores.mean.bins, Picture::kSecond, "at the mean"),
        std::tuple(&scores.averaged.bins, Picture::kAccent, "averaged")}) {
    const std::string data = picture.data(reliability_points(*bins, scores.targets));
    plot += ", " + data + " using 1:2 with lines linewidth 1.5" + colour(role) + " title \"" +
            name + "\", " + data + " using 1:2:3 with points pointtype 7 pointsize variable" +
            colour(role) + " notitle";
  }
  picture.line(plot);
  return picture.svg(
      "Reliability diagram: observed share of right predictions against the largest predicted "
      "probability, at the mean of the posterior and averaged over draws");
}

}  // namespace bayesum
