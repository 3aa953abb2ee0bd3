#include "core/examples/examples.hpp"

#include <string>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

void check_size(const char* name, std::size_t is, std::size_t wanted) {
  if (is == wanted) return;
  throw Error(ExitCode::kUsage, std::string("the buffer of ") + name + " holds " +
                                    std::to_string(is) + " numbers where the examples have " +
                                    std::to_string(wanted));
}

}  // namespace

void check_buffers(const ExampleShape& shape, std::size_t rows, const ExampleBuffers& out) {
  check_size("tokens", out.tokens.size(), rows * shape.context);
  check_size("targets", out.targets.size(), rows * shape.context);
  check_size("features", out.features.size(), rows * shape.features);
  check_size("labels", out.labels.size(), shape.classes > 0 ? rows : 0);
  check_size("responses", out.response.size(), rows * shape.responses);
}

}  // namespace bayesum
