#pragma once

#include <stdexcept>
#include <string>

namespace bayesum {

// What the process tells its launcher. Above 128 a signal ended it.
enum class ExitCode : int {
  kDone = 0,
  kUsage = 2,         // configuration or usage
  kFile = 3,          // a file is missing, bad, corrupt or unwritable
  kNumerical = 4,     // numerical failure; the last good checkpoint is kept
  kDisagreement = 5,  // ranks disagree that should agree
  kDevice = 6,        // device or communication: no such GPU, NCCL, MPI
  kStopped = 85,      // stopped on request with a checkpoint: start me again
};

// The one exception of the project: one clear sentence for the user, the exit code that it
// deserves, and the place in the code that noticed. Only main() decides to exit.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& sentence, const char* file = __builtin_FILE(),
        int line = __builtin_LINE())
      : std::runtime_error(sentence), code_(code), file_(file), line_(line) {}

  ExitCode code() const { return code_; }
  const char* file() const { return file_; }
  int line() const { return line_; }

 private:
  ExitCode code_;
  const char* file_;
  int line_;
};

}  // namespace bayesum
