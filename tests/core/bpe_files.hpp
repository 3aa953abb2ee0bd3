#pragma once

#include <string>
#include <vector>

namespace bayesum::testing {

// A small vocabulary of GPT-2's kind: the 256 bytes, what these merges make, one after the other,
// and <|endoftext|>.
struct BpeFiles {
  std::string vocabulary;
  std::string merges;
};

// The character that GPT-2 writes for a byte, as its encoder.py makes them: printable bytes are
// themselves, the others U+0100 and on in their order. In UTF-8; all are below U+0800.
inline std::vector<std::string> written_bytes() {
  std::vector<std::string> written(256);
  int next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    const bool printable = ('!' <= byte && byte <= '~') || (0xa1 <= byte && byte <= 0xac) ||
                           (0xae <= byte && byte <= 0xff);
    const int code = printable ? byte : next++;
    if (code < 0x80) {
      written[byte] = static_cast<char>(code);
    } else {
      written[byte] = {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
    }
  }
  return written;
}

inline std::string json_key(const std::string& text) {
  std::string key = "\"";
  for (const char c : text) key += (c == '"' || c == '\\') ? std::string{'\\', c} : std::string{c};
  return key + "\"";
}

inline BpeFiles bpe_files(const std::vector<std::string>& merges, bool end_of_text = true) {
  BpeFiles files{"{", "#version: 0.2\n"};
  int number = 0;
  const auto add = [&](const std::string& token) {
    files.vocabulary += (number > 0 ? ", " : "") + json_key(token) + ": " + std::to_string(number);
    ++number;
  };
  for (const std::string& byte : written_bytes()) add(byte);
  for (const std::string& merge : merges) {
    const std::size_t blank = merge.find(' ');
    add(merge.substr(0, blank) + merge.substr(blank + 1));
    files.merges += merge + "\n";
  }
  if (end_of_text) add("<|endoftext|>");
  files.vocabulary += "}";
  return files;
}

// "\xc4\xa0" is the character that stands for a blank.
inline std::vector<std::string> some_merges() {
  return {"t h",
          "a n",
          "th e",
          "\xc4\xa0 the",
          "an d",
          "\xc4\xa0 and",
          "i n",
          "in g",
          "\xc4\xa0 t",
          "o o",
          "oo o",
          "' s",
          "\xc4\xa0 \xc4\xa0",
          "1 2",
          "12 3",
          "\xc3\x83 \xc2\xa9",
          "e r",
          "h e",
          "\xc4\x8a \xc4\x8a"};
}

}  // namespace bayesum::testing
