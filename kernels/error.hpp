#pragma once

#include <stdexcept>
#include <string>

namespace bayesum {

// The text with its control characters escaped.
inline std::string on_one_line(const std::string& text) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      line += c;
    } else if (c == '\n' || c == '\t' || c == '\r') {
      line += c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r";
    } else {
      line += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 0xf]};
    }
  }
  return line;
}

// What the process tells its launcher. Above 128 a signal ended it.
enum class ExitCode : int {
  kDone = 0,
  kUsage = 2,         // configuration or usage
  kFile = 3,          // a file is missing, bad, corrupt or unwritable
  kNumerical = 4,     // numerical failure; the last good checkpoint is kept
  kDisagreement = 5,  // ranks disagree that should agree
  kDevice = 6,        // device or communication: no such GPU, NCCL, MPI
  kStopped = 85,      // stopped on request with a checkpoint: start me again
  kHang = 124,        // a rank hangs: the others did not wait for it
};

// The one exception of the project: one clear sentence for the user, the exit code that it
// deserves, and the place in the code that noticed. Only main() decides to exit. What the sentence
// quotes from a file may hold anything; control characters are shown as \n, \t or \x1b, so that it
// stays one line.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& sentence, const char* file = __builtin_FILE(),
        int line = __builtin_LINE())
      : std::runtime_error(on_one_line(sentence)), code_(code), file_(file), line_(line) {}

  ExitCode code() const { return code_; }
  const char* file() const { return file_; }
  int line() const { return line_; }

 private:
  ExitCode code_;
  const char* file_;
  int line_;
};

}  // namespace bayesum
