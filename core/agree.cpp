#include "core/agree.hpp"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/staging.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

std::optional<Error> failure_of(const std::function<void()>& work) {
  try {
    work();
    return std::nullopt;
  } catch (const Error& error) {
    return error;
  } catch (const std::filesystem::filesystem_error& error) {
    return Error(ExitCode::kFile, error.what());
  } catch (const std::exception& error) {
    return Error(ExitCode::kDevice, error.what());
  }
}

}  // namespace

void agree(Communicator& communicator, const Stream& stream,
           const std::function<void()>& local_work) {
  const std::optional<Error> mine = failure_of(local_work);
  const auto ranks = static_cast<std::uint64_t>(communicator.size());
  std::uint64_t first_failed = mine ? static_cast<std::uint64_t>(communicator.rank()) : ranks;
  on_wire(stream, communicator, std::span(&first_failed, 1), [&](const Stream& wire, auto payload) {
    communicator.all_reduce(wire, payload, Reduction::kMin);
  });
  if (first_failed == ranks) return;
  if (ranks == 1) throw *mine;

  const int root = static_cast<int>(first_failed);
  const auto tell = [&](const Stream& wire, auto payload) {
    communicator.broadcast(wire, payload, root);
  };
  std::string sentence;
  std::uint64_t code_and_size[2] = {0, 0};
  if (communicator.rank() == root) {
    sentence = mine->what();
    code_and_size[0] = static_cast<std::uint64_t>(mine->code());
    code_and_size[1] = sentence.size();
  }
  on_wire(stream, communicator, std::span<std::uint64_t>(code_and_size), tell);
  sentence.resize(code_and_size[1]);
  on_wire(stream, communicator, std::as_writable_bytes(std::span(sentence)), tell);
  throw Error(static_cast<ExitCode>(code_and_size[0]),
              sentence + " (rank " + std::to_string(root) + ")");
}

void require_same(Communicator& communicator, const Stream& stream, std::uint64_t value,
                  const std::string& what) {
  const std::vector<std::uint64_t> values =
      gather<std::uint64_t>(stream, communicator, std::span(&value, 1));
  const auto other = std::ranges::find_if(values, [&](auto x) { return x != values[0]; });
  if (other == values.end()) return;
  throw Error(ExitCode::kDisagreement,
              "ranks 0 and " + std::to_string(other - values.begin()) + " disagree on the " + what);
}

}  // namespace bayesum
