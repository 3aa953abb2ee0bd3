#include "core/files/tensor_reader.hpp"

#include <algorithm>
#include <utility>

#include "core/files/hash.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr const char* kChecksum = "checksum";
constexpr std::uint64_t kPiece = std::uint64_t{1} << 20;  // bytes

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  throw Error(ExitCode::kFile, path.string() + ": " + why);
}

std::string read_header(const InputFile& file) {
  std::uint64_t length = 0;
  constexpr std::size_t before = TensorHeader::kLengthBytes;
  if (file.size() < before) refuse(file.path(), "it is too short for a safetensors file");
  file.read(0, std::as_writable_bytes(std::span(&length, 1)));
  if (length > TensorHeader::kMaxBytes || length > file.size() - before) {
    refuse(file.path(), "its header would have " + std::to_string(length) +
                            " bytes, the file has " + std::to_string(file.size()) +
                            " and the limit is " + std::to_string(TensorHeader::kMaxBytes));
  }
  std::string header(length, '\0');
  file.read(before, std::as_writable_bytes(std::span(header)));
  return header;
}

std::uint64_t hash_of_first(const InputFile& file, std::uint64_t bytes) {
  Hash hash;
  std::vector<std::byte> piece(std::min(kPiece, bytes));
  for (std::uint64_t at = 0; at < bytes; at += piece.size()) {
    const auto part = std::span(piece).first(std::min<std::uint64_t>(piece.size(), bytes - at));
    file.read(at, part);
    hash.add(part);
  }
  return hash.value();
}

template <class T>
std::vector<T> room_for(const std::filesystem::path& path, const TensorEntry& entry) {
  try {
    return std::vector<T>(entry.elements());
  } catch (const std::exception&) {
    refuse(path, "there is no memory for tensor '" + entry.name + "'");
  }
}

}  // namespace

TensorReader::TensorReader(const std::filesystem::path& path, Checksum checksum)
    : file_(std::make_unique<InputFile>(path)) {
  const std::string json = read_header(*file_);
  data_ = TensorHeader::kLengthBytes + json.size();
  header_ = TensorHeader::parse(path, json, file_->size() - data_);
  if (checksum == Checksum::kLast) take_checksum();
}

void TensorReader::take_checksum() {
  auto& entries = header_.entries;
  const auto found = std::ranges::find(entries, kChecksum, &TensorEntry::name);
  if (found == entries.end()) refuse(path(), "there is no tensor 'checksum'");
  if (found + 1 != entries.end()) refuse(path(), "tensor 'checksum' is not the last");
  std::uint64_t checksum = 0;
  if (found->type != TensorType::kU8 || found->shape != std::vector{sizeof(checksum)}) {
    refuse(path(), "tensor 'checksum' is not of type U8 and shape [8]");
  }
  read(*found, 0, std::as_writable_bytes(std::span(&checksum, 1)));
  if (checksum != hash_of_first(*file_, data_ + found->first)) {
    refuse(path(), "the checksum does not fit: the file is damaged");
  }
  entries.pop_back();
}

bool TensorReader::has(const std::string& name) const {
  return std::ranges::find(entries(), name, &TensorEntry::name) != entries().end();
}

const TensorEntry& TensorReader::entry(const std::string& name) const {
  const auto found = std::ranges::find(entries(), name, &TensorEntry::name);
  if (found == entries().end()) refuse(path(), "there is no tensor '" + name + "'");
  return *found;
}

const std::string& TensorReader::text(const std::string& key) const {
  const auto found = metadata().find(key);
  if (found == metadata().end()) refuse(path(), "there is no metadata '" + key + "'");
  return found->second;
}

void TensorReader::read(const TensorEntry& entry, std::uint64_t first,
                        std::span<std::byte> out) const {
  if (first > entry.bytes() || out.size() > entry.bytes() - first) {
    throw Error(ExitCode::kUsage, path().string() + ": tensor '" + entry.name + "' has " +
                                      std::to_string(entry.bytes()) + " bytes, " +
                                      std::to_string(out.size()) + " were asked for from " +
                                      std::to_string(first) + " on");
  }
  file_->read(data_ + entry.first + first, out);
}

void TensorReader::read(const TensorEntry& entry, std::uint64_t first, std::span<float> out) const {
  check_type(entry, is_floating(entry.type), "floating-point numbers");
  const std::size_t each = element_bytes(entry.type);
  if (entry.type == TensorType::kF32) return read(entry, first * each, std::as_writable_bytes(out));
  std::vector<std::byte> piece(std::min<std::size_t>(out.size(), kPiece / each) * each);
  while (!out.empty()) {
    const std::size_t count = std::min(out.size(), piece.size() / each);
    const auto bytes = std::span(piece).first(count * each);
    read(entry, first * each, bytes);
    to_floats(entry.type, bytes, out.first(count));
    out = out.subspan(count);
    first += count;
  }
}

std::vector<float> TensorReader::floats(const std::string& name) const {
  const TensorEntry& found = entry(name);
  auto values = room_for<float>(path(), found);
  read(found, 0, std::span(values));
  return values;
}

std::vector<std::int64_t> TensorReader::integers(const std::string& name) const {
  const TensorEntry& found = entry(name);
  check_type(found, is_whole(found.type), "whole numbers of type I64, I32 or U8");
  auto values = room_for<std::int64_t>(path(), found);
  std::vector<std::byte> bytes(found.bytes());
  read(found, 0, std::span(bytes));
  to_integers(found.type, bytes, values);
  return values;
}

void TensorReader::check_type(const TensorEntry& entry, bool fits, const char* wanted) const {
  if (fits) return;
  refuse(path(),
         "tensor '" + entry.name + "' is of type " + to_string(entry.type) + ", not " + wanted);
}

}  // namespace bayesum
