#include "core/data/npy_header.hpp"

#include <charconv>

#include "core/files/field_text.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  NpyHeader parse() {
    NpyHeader header;
    bool descr = false, order = false, shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      bool& seen = key == "descr" ? descr : key == "fortran_order" ? order : shape;
      if (seen || (&seen == &shape && key != "shape")) refuse("key " + shown(key));
      seen = true;
      if (key == "descr") {
        parse_descr(header);
      } else if (key == "shape") {
        parse_shape(header);
      } else {
        header.fortran_order = boolean();
      }
      if (!accept(',') && peek() != '}') refuse("no ',' after " + key);
    }
    if (!descr || !order || !shape) refuse("descr, fortran_order and shape are not all there");
    if (peek() != '\0') refuse("text after the '}'");
    return header;
  }

 private:
  void parse_descr(NpyHeader& header) {
    if (!accept('[')) {
      header.descr = string();
      return;
    }
    while (!accept(']')) {
      expect('(');
      std::string name = string();
      expect(',');
      if (peek() == '[') refuse("the field " + shown(name) + " has fields of its own");
      std::string type = string();
      if (accept(',') && peek() != ')') refuse("the field " + shown(name) + " has a shape");
      expect(')');
      header.fields.emplace_back(std::move(name), std::move(type));
      if (!accept(',') && peek() != ']') refuse("no ',' after a field");
    }
    if (header.fields.empty()) refuse("no fields");
  }

  void parse_shape(NpyHeader& header) {
    expect('(');
    while (!accept(')')) {
      peek();
      std::size_t size = 0;
      const char* const last = text_.data() + text_.size();
      const auto [end, problem] = std::from_chars(text_.data() + at_, last, size);
      if (problem != std::errc()) refuse("a shape that is not of whole numbers");
      at_ = static_cast<std::size_t>(end - text_.data());
      header.shape.push_back(size);
      if (!accept(',') && peek() != ')') refuse("a shape that is not of whole numbers");
    }
  }

  bool boolean() {
    peek();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return value;
    }
    refuse("fortran_order is neither True nor False");
  }

  std::string string() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') refuse("no text where one belongs");
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == text_.npos) refuse("a text without an end");
    const std::string_view found = text_.substr(at_ + 1, end - at_ - 1);
    if (found.find('\\') != found.npos) refuse("a text with '\\'");
    at_ = end + 1;
    return std::string(found);
  }

  // The next character that is no space; '\0' at the end.
  char peek() {
    while (at_ < text_.size() && (is_space(text_[at_]) || text_[at_] == '\n')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) refuse(std::string("no '") + c + "' at byte " + std::to_string(at_));
  }

  [[noreturn]] static void refuse(const std::string& what) {
    throw Error(ExitCode::kFile, "its header cannot be read: " + what);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

NpyHeader parse_npy_header(std::string_view text) { return HeaderParser(text).parse(); }

}  // namespace bayesum
