#include "core/files/tensor_writer.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  throw Error(ExitCode::kUsage, "cannot write " + path.string() + ": " + why);
}

TensorHeader header_of(std::map<std::string, std::string> metadata,
                       std::vector<TensorEntry> entries, Checksum checksum) {
  if (checksum == Checksum::kLast) {
    entries.push_back({"checksum", TensorType::kU8, {sizeof(std::uint64_t)}});
  }
  return {std::move(metadata), std::move(entries)};
}

std::uint64_t data_bytes(const TensorHeader& header) {
  return header.entries.empty() ? 0 : header.entries.back().first + header.entries.back().bytes();
}

}  // namespace

TensorWriter::TensorWriter(std::filesystem::path path, std::map<std::string, std::string> metadata,
                           std::vector<TensorEntry> entries, Checksum checksum)
    : header_(header_of(std::move(metadata), std::move(entries), checksum)),
      checksum_(checksum),
      json_(header_.place(path)),
      missing_(data_bytes(header_) - (checksum == Checksum::kLast ? sizeof(std::uint64_t) : 0)),
      file_(std::move(path), TensorHeader::kLengthBytes + json_.size() + data_bytes(header_)) {
  const std::uint64_t length = json_.size();
  append(std::as_bytes(std::span(&length, 1)));
  append(std::as_bytes(std::span(json_)));
}

void TensorWriter::append(std::span<const std::byte> bytes) {
  if (checksum_ == Checksum::kLast) hash_.add(bytes);
  file_.write(bytes);
}

void TensorWriter::write(std::span<const std::byte> bytes) {
  if (bytes.size() > missing_) refuse(file_.path(), "more bytes came than its tensors have");
  missing_ -= bytes.size();
  append(bytes);
}

void TensorWriter::commit() {
  if (missing_ > 0) {
    refuse(file_.path(), std::to_string(missing_) + " bytes of its tensors have not come");
  }
  const std::uint64_t checksum = hash_.value();
  if (checksum_ == Checksum::kLast) file_.write(std::as_bytes(std::span(&checksum, 1)));
  file_.commit();
}

void write_tensors(const std::filesystem::path& path, std::map<std::string, std::string> metadata,
                   std::vector<TensorView> tensors, Checksum checksum) {
  const auto each = [](const TensorView& tensor) { return element_bytes(tensor.type); };
  std::ranges::stable_sort(tensors, std::greater<>(), each);
  std::vector<TensorEntry> entries;
  for (const TensorView& tensor : tensors) {
    const TensorEntry entry{tensor.name, tensor.type, tensor.shape};
    if (entry.bytes() != tensor.bytes.size()) {
      refuse(path, "tensor '" + tensor.name + "' has " +
                       std::to_string(tensor.bytes.size() / each(tensor)) +
                       " values, which do not fit its shape " + shape_text(tensor.shape));
    }
    entries.push_back(entry);
  }
  TensorWriter writer(path, std::move(metadata), std::move(entries), checksum);
  for (const TensorView& tensor : tensors) writer.write(tensor.bytes);
  writer.commit();
}

}  // namespace bayesum
