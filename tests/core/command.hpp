#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <string>

namespace bayesum::testing {

// What a command of the shell said on its standard output, and its exit status; -1 when it did not
// end by itself.
struct Said {
  std::string text;
  int status = -1;
};

inline Said run_command(const std::string& command) {
  Said said;
  FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return said;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) said.text += static_cast<char>(c);
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) said.status = WEXITSTATUS(status);
  return said;
}

}  // namespace bayesum::testing
