#include "core/files/safetensors.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "core/files/atomic_file.hpp"
#include "core/files/hash.hpp"
#include "core/files/input_file.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

using Json = nlohmann::json;

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kMaxHeader = std::size_t{16} << 20;
constexpr std::size_t kMaxEntries = 4096;  // tensors, and metadata
constexpr std::size_t kMaxRank = 8;
constexpr const char* kMetadata = "__metadata__";
constexpr const char* kChecksum = "checksum";
constexpr std::size_t kChecksumBytes = 8;
constexpr std::array<const char*, 3> kFields{"dtype", "shape", "data_offsets"};

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  throw Error(ExitCode::kFile, path.string() + ": " + why);
}

// One tensor as the header describes it.
struct Entry {
  std::string name;
  std::string dtype;
  std::vector<std::size_t> shape;
  std::vector<std::size_t> offsets;  // of its first byte in the data, and of the one after its last
  std::set<std::string> given;       // the fields above that the header has
};

// Reads the header event by event, so that nothing is built that was not expected and counted.
class HeaderReader final : public nlohmann::json_sax<Json> {
 public:
  const std::string& fault() const { return fault_; }
  const std::vector<Entry>& entries() const { return entries_; }
  std::map<std::string, std::string>& metadata() { return metadata_; }

  bool null() override { return refuse("null"); }
  bool boolean(bool) override { return refuse("true or false"); }
  bool number_integer(number_integer_t) override { return refuse("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return refuse("a fraction"); }
  bool binary(binary_t&) override { return refuse("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (where_ != Where::kNumbers) return refuse("a number");
    if (numbers_->size() == kMaxRank) return fail("has a list of more than 8 numbers");
    numbers_->push_back(value);
    return true;
  }

  bool string(string_t& text) override {
    if (where_ == Where::kTexts) {
      metadata_[key_] = text;
      return true;
    }
    if (where_ != Where::kEntry || key_ != "dtype") return refuse("text");
    entries_.back().dtype = text;
    return true;
  }

  bool start_object(std::size_t) override {
    if (where_ == Where::kStart) {
      where_ = Where::kRoot;
    } else if (where_ == Where::kRoot && key_ == kMetadata) {
      where_ = Where::kTexts;
    } else if (where_ == Where::kRoot) {
      if (entries_.size() == kMaxEntries) return fail("names more than 4096 tensors");
      entries_.push_back({key_, {}, {}, {}, {}});
      where_ = Where::kEntry;
    } else {
      return refuse("an object");
    }
    return true;
  }

  bool key(string_t& text) override {
    key_ = text;
    if (where_ == Where::kTexts) {
      if (metadata_.size() == kMaxEntries) return fail("has more than 4096 metadata");
      return metadata_.emplace(text, "").second || fail_twice("metadata");
    }
    if (where_ == Where::kRoot) return names_.insert(text).second || fail_twice("tensor");
    if (std::find(kFields.begin(), kFields.end(), text) == kFields.end()) {
      return fail("gives a tensor an unknown field");
    }
    return entries_.back().given.insert(text).second || fail_twice("field");
  }

  bool end_object() override {
    where_ = where_ == Where::kRoot ? Where::kEnd : Where::kRoot;
    return true;
  }

  bool start_array(std::size_t) override {
    if (where_ != Where::kEntry || key_ == "dtype") return refuse("a list");
    numbers_ = key_ == "shape" ? &entries_.back().shape : &entries_.back().offsets;
    where_ = Where::kNumbers;
    return true;
  }

  bool end_array() override {
    where_ = Where::kEntry;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const Json::exception&) override {
    return fail("is not JSON at byte " + std::to_string(kLengthBytes + position));
  }

 private:
  enum class Where { kStart, kRoot, kTexts, kEntry, kNumbers, kEnd };

  bool refuse(const std::string& what) {
    return fail("has " + what + " in a place for something else");
  }
  bool fail_twice(const std::string& what) { return fail("names a " + what + " twice"); }
  bool fail(const std::string& why) {
    fault_ = "the header " + why + (key_.empty() ? "" : ", at key '" + key_.substr(0, 80) + "'");
    return false;
  }

  Where where_ = Where::kStart;
  std::string key_;
  std::string fault_;
  std::set<std::string> names_;
  std::vector<Entry> entries_;
  std::vector<std::size_t>* numbers_ = nullptr;
  std::map<std::string, std::string> metadata_;
};

// Elements of a shape; nothing when there are more than can be counted in bytes.
std::optional<std::size_t> elements_of(const std::vector<std::size_t>& shape) {
  std::size_t bytes = sizeof(double);
  for (const std::size_t extent : shape) {
    if (__builtin_mul_overflow(bytes, extent, &bytes)) return std::nullopt;
  }
  return bytes / sizeof(double);
}

void check_entry(const std::filesystem::path& path, const Entry& entry) {
  const std::string name = "tensor '" + entry.name + "' ";
  for (const char* field : kFields) {
    if (!entry.given.contains(field)) refuse(path, name + "has no " + field);
  }
  const bool is_checksum = entry.name == kChecksum;
  const std::string dtype = is_checksum ? "U8" : "F64";
  if (entry.dtype != dtype) refuse(path, name + "is not of type " + dtype);
  if (entry.offsets.size() != 2 || entry.offsets.front() > entry.offsets.back()) {
    refuse(path, name + "does not have a begin and an end");
  }
  const std::optional<std::size_t> elements = elements_of(entry.shape);
  const std::size_t bytes = entry.offsets.back() - entry.offsets.front();
  if (!elements || bytes != *elements * (is_checksum ? 1 : sizeof(double)) ||
      (is_checksum && bytes != kChecksumBytes)) {
    refuse(path, name + "does not have the size of its shape");
  }
}

// In the order of their bytes, which they cover without gap or overlap, the checksum last.
std::vector<Entry> checked_entries(const std::filesystem::path& path, std::vector<Entry> entries,
                                   std::size_t data_bytes) {
  for (const Entry& entry : entries) check_entry(path, entry);
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.offsets < b.offsets; });
  std::size_t end = 0;
  for (const Entry& entry : entries) {
    if (entry.offsets.front() != end) {
      refuse(path, "tensor '" + entry.name + "' begins at byte " +
                       std::to_string(entry.offsets.front()) + " of the data, not at " +
                       std::to_string(end));
    }
    end = entry.offsets.back();
  }
  if (end != data_bytes) {
    refuse(path, "its tensors have " + std::to_string(end) + " bytes, its data " +
                     std::to_string(data_bytes));
  }
  const auto checksum = std::find_if(entries.begin(), entries.end(),
                                     [](const Entry& entry) { return entry.name == kChecksum; });
  if (checksum == entries.end()) refuse(path, "there is no tensor 'checksum'");
  if (checksum + 1 != entries.end()) refuse(path, "tensor 'checksum' is not the last");
  return entries;
}

template <class T>
std::span<std::byte> bytes_of(T& value) {
  return std::as_writable_bytes(std::span(&value, 1));
}

std::string read_header(const InputFile& file, Hash& hash) {
  std::uint64_t length = 0;
  if (file.size() < kLengthBytes) refuse(file.path(), "it is too short for a safetensors file");
  file.read(0, bytes_of(length));
  if (length > kMaxHeader || length > file.size() - kLengthBytes) {
    refuse(file.path(), "its header would have " + std::to_string(length) +
                            " bytes, the file has " + std::to_string(file.size()) +
                            " and the limit is " + std::to_string(kMaxHeader));
  }
  std::string header(length, '\0');
  file.read(kLengthBytes, std::as_writable_bytes(std::span(header)));
  hash.add(bytes_of(length));
  hash.add(std::as_bytes(std::span(header)));
  if (!header.starts_with('{')) refuse(file.path(), "its header does not start with '{'");
  return header;
}

Tensor read_tensor(const InputFile& file, std::uint64_t at, const Entry& entry) {
  Tensor tensor{entry.shape, {}};
  try {
    tensor.values.resize(*elements_of(tensor.shape));
  } catch (const std::exception&) {
    refuse(file.path(), "there is no memory for tensor '" + entry.name + "'");
  }
  file.read(at, std::as_writable_bytes(std::span(tensor.values)));
  return tensor;
}

Json header_of(const TensorFile& file) {
  Json header = Json::object();
  if (!file.metadata.empty()) header[kMetadata] = file.metadata;
  std::size_t offset = 0;
  const auto add = [&](const std::string& name, const char* dtype, const Json& shape,
                       std::size_t bytes) {
    header[name] = {{"dtype", dtype}, {"shape", shape}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  };
  for (const auto& [name, tensor] : file.tensors) {
    add(name, "F64", tensor.shape, tensor.values.size() * sizeof(double));
  }
  add(kChecksum, "U8", Json::array({kChecksumBytes}), kChecksumBytes);
  return header;
}

// What read_tensors would refuse is never written.
void check_writable(const std::filesystem::path& path, const TensorFile& file) {
  const auto refuse_to_write = [&](const std::string& why) {
    throw Error(ExitCode::kUsage, "cannot write " + path.string() + ": " + why);
  };
  for (const auto& [name, tensor] : file.tensors) {
    if (name == kChecksum || name == kMetadata) {
      refuse_to_write("the name '" + name + "' is reserved");
    }
    if (tensor.shape.size() > kMaxRank || elements_of(tensor.shape) != tensor.values.size()) {
      refuse_to_write("tensor '" + name + "' has " + std::to_string(tensor.values.size()) +
                      " values, which do not fit its shape");
    }
  }
  if (file.tensors.size() >= kMaxEntries || file.metadata.size() > kMaxEntries) {
    refuse_to_write("it holds more than 4096 tensors or metadata");
  }
}

std::string header_text(const std::filesystem::path& path, const TensorFile& file) {
  std::string text;
  try {
    text = header_of(file).dump();
  } catch (const Json::exception&) {
    throw Error(ExitCode::kUsage,
                "cannot write " + path.string() + ": a name or metadata value is not valid UTF-8");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');  // aligns the data
  if (text.size() > kMaxHeader) {
    throw Error(ExitCode::kUsage, "cannot write " + path.string() + ": its header of " +
                                      std::to_string(text.size()) +
                                      " bytes is above the limit of " + std::to_string(kMaxHeader));
  }
  return text;
}

}  // namespace

const Tensor& TensorFile::tensor(const std::string& name) const {
  const auto found = tensors.find(name);
  if (found == tensors.end()) refuse(path, "there is no tensor '" + name + "'");
  return found->second;
}

const std::string& TensorFile::text(const std::string& key) const {
  const auto found = metadata.find(key);
  if (found == metadata.end()) refuse(path, "there is no metadata '" + key + "'");
  return found->second;
}

void write_tensors(const std::filesystem::path& path, const TensorFile& file) {
  check_writable(path, file);
  const std::string header = header_text(path, file);
  std::vector<std::byte> bytes;
  const auto append = [&bytes](std::span<const std::byte> part) {
    bytes.insert(bytes.end(), part.begin(), part.end());
  };
  std::uint64_t length = header.size();
  append(bytes_of(length));
  append(std::as_bytes(std::span(header)));
  for (const auto& [name, tensor] : file.tensors) {
    append(std::as_bytes(std::span(tensor.values)));
  }
  std::uint64_t checksum = hash_of(bytes);
  append(bytes_of(checksum));
  write_atomically(path, bytes);
}

TensorFile read_tensors(const std::filesystem::path& path) {
  const InputFile file(path);
  Hash hash;
  const std::string header = read_header(file, hash);
  HeaderReader reader;
  if (!Json::sax_parse(header, &reader)) refuse(path, reader.fault());
  std::uint64_t at = kLengthBytes + header.size();
  const std::vector<Entry> entries = checked_entries(path, reader.entries(), file.size() - at);

  TensorFile result{std::move(reader.metadata()), {}, path};
  for (const Entry& entry : entries) {
    if (entry.name == kChecksum) continue;
    const Tensor& tensor = result.tensors[entry.name] = read_tensor(file, at, entry);
    const auto values = std::as_bytes(std::span(tensor.values));
    hash.add(values);
    at += values.size();
  }
  std::uint64_t checksum = 0;
  file.read(at, bytes_of(checksum));
  if (checksum != hash.value()) {
    refuse(path, "the checksum does not fit: the file is damaged");
  }
  return result;
}

}  // namespace bayesum
