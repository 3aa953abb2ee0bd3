#include "launch/page_parts.hpp"

#include <chrono>
#include <ctime>
#include <iomanip>
#include <sstream>

#include "launch/html.hpp"

namespace bayesum::html {
namespace {

// A percent sign stays with its number.
std::string prose(std::string text) {
  for (std::size_t at = text.find(" %"); at != std::string::npos; at = text.find(" %", at)) {
    text.replace(at, 1, "\u00a0");
  }
  return text;
}

}  // namespace

std::string paragraph(const std::string& text, const std::string& kind) {
  return element("p", escaped(prose(text)), {{"class", kind}}) + "\n";
}

std::string verdict_paragraph(const std::string& text, bool good) {
  return paragraph(text, good ? "verdict" : "verdict bad");
}

std::string figure(const std::string& title, const std::string& note, const std::string& svg) {
  return element("figure",
                 element("figcaption", element("h3", escaped(title)) +
                                           element("span", escaped(note), {{"class", "note"}})) +
                     "\n" + element("div", svg, {{"class", "wide"}})) +
         "\n";
}

std::string section(const std::string& title, const std::string& content) {
  return element("section", "\n" + element("h2", escaped(title)) + "\n" + content) + "\n";
}

std::string today() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm local{};
  ::localtime_r(&now, &local);
  std::ostringstream text;
  text << local.tm_mday << std::put_time(&local, " %B %Y");
  return text.str();
}

}  // namespace bayesum::html
