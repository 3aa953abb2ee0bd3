#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "launch/table.hpp"

namespace bayesum::html {

// Text as HTML and XML may hold it, in content and in quoted attributes: & < > " ' as references,
// control characters as spaces, bytes that are not UTF-8 as U+FFFD.
std::string escaped(std::string_view text);

// <name key="value" ...>content</name>. Values are escaped here; content is HTML already.
using Attributes = std::vector<std::pair<std::string, std::string>>;
std::string element(const std::string& name, const std::string& content,
                    const Attributes& attributes = {});

// Its first row is the header, its first column names the rows, the others hold numbers, or, flush
// left, texts; the note above it says what they are.
std::string table(const Table& table, const std::string& note,
                  Table::Alignment others = Table::kRight);

// A whole page.
std::string document(const std::string& title, const std::string& style, const std::string& body);

}  // namespace bayesum::html
