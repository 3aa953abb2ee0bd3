#pragma once

#include <string>

namespace bayesum::html {

// What the pages of reports are made of; texts are escaped here.

// In the page's own words, a percent sign staying with its number.
std::string paragraph(const std::string& text, const std::string& kind);
std::string verdict_paragraph(const std::string& text, bool good);
// A picture, SVG, under its title and a note.
std::string figure(const std::string& title, const std::string& note, const std::string& svg);
// `content` is HTML already.
std::string section(const std::string& title, const std::string& content);
std::string today();  // "3 May 2026"

}  // namespace bayesum::html
