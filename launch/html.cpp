#include "launch/html.hpp"

#include <algorithm>

#include "core/files/utf8.hpp"

namespace bayesum::html {
namespace {

// The bytes of the character of UTF-8 that begins the text; 0 when there is none.
std::size_t length_of_character(std::string_view text) {
  for (std::size_t length = 1; length <= std::min<std::size_t>(4, text.size()); ++length) {
    if (is_utf8(text.substr(0, length))) return length;
  }
  return 0;
}

// C0 and C1 controls, and U+FFFE, U+FFFF, which XML cannot hold.
bool is_control(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7f;
  if (character.size() == 2) return byte(0) == 0xc2 && byte(1) < 0xa0;
  return character == "\xef\xbf\xbe" || character == "\xef\xbf\xbf";
}

std::string escaped_character(std::string_view character) {
  if (character == "&") return "&amp;";
  if (character == "<") return "&lt;";
  if (character == ">") return "&gt;";
  if (character == "\"") return "&quot;";
  if (character == "'") return "&#39;";
  return is_control(character) ? " " : std::string(character);
}

std::string row(const std::vector<std::string>& cells, bool header) {
  std::string html;
  for (std::size_t j = 0; j < cells.size(); ++j) {
    const std::string content = escaped(cells[j]);
    if (header) {
      html += element("th", content, {{"scope", "col"}});
    } else if (j == 0) {
      html += element("th", content, {{"scope", "row"}});
    } else {
      html += element("td", content);
    }
  }
  return element("tr", html) + "\n";
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string html;
  while (!text.empty()) {
    const std::size_t length = length_of_character(text);
    html += length == 0 ? "\xef\xbf\xbd" : escaped_character(text.substr(0, length));
    text.remove_prefix(std::max<std::size_t>(1, length));
  }
  return html;
}

std::string element(const std::string& name, const std::string& content,
                    const Attributes& attributes) {
  std::string html = "<" + name;
  for (const auto& [key, value] : attributes) html += " " + key + "=\"" + escaped(value) + "\"";
  return html + ">" + content + "</" + name + ">";
}

std::string table(const Table& table, const std::string& note, Table::Alignment others) {
  const Attributes kind = others == Table::kLeft ? Attributes{{"class", "texts"}} : Attributes();
  const auto& rows = table.rows();
  std::string body;
  for (std::size_t i = 1; i < rows.size(); ++i) body += row(rows[i], false);
  return element("p", escaped(note), {{"class", "note"}}) + "\n" +
         element("div",
                 element("table",
                         "\n" + element("thead", row(rows.front(), true)) + "\n" +
                             element("tbody", "\n" + body),
                         kind),
                 {{"class", "wide"}}) +
         "\n";
}

std::string document(const std::string& title, const std::string& style, const std::string& body) {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
         "<meta name=\"color-scheme\" content=\"light dark\"/>\n" +
         element("title", escaped(title)) + "\n" + element("style", style) + "\n</head>\n<body>\n" +
         body + "</body>\n</html>\n";
}

}  // namespace bayesum::html
