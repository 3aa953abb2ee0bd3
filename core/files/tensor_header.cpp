#include "core/files/tensor_header.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

using Json = nlohmann::json;

constexpr const char* kMetadata = "__metadata__";
constexpr std::array<const char*, 3> kFields{"dtype", "shape", "data_offsets"};

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  throw Error(ExitCode::kFile, path.string() + ": " + why);
}

[[noreturn]] void refuse_to_write(const std::filesystem::path& path, const std::string& why) {
  throw Error(ExitCode::kUsage, "cannot write " + path.string() + ": " + why);
}

// One tensor as the header describes it.
struct Described {
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
  const std::vector<Described>& entries() const { return entries_; }
  std::map<std::string, std::string>& metadata() { return metadata_; }

  bool null() override { return refuse("null"); }
  bool boolean(bool) override { return refuse("true or false"); }
  bool number_integer(number_integer_t) override { return refuse("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return refuse("a fraction"); }
  bool binary(binary_t&) override { return refuse("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (where_ != Where::kNumbers) return refuse("a number");
    if (numbers_->size() == TensorHeader::kMaxRank)
      return fail("has a list of more than 8 numbers");
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
      if (entries_.size() == TensorHeader::kMaxEntries) return fail("names more than 4096 tensors");
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
      if (metadata_.size() == TensorHeader::kMaxEntries) return fail("has more than 4096 metadata");
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
    return fail("is not JSON at byte " + std::to_string(TensorHeader::kLengthBytes + position));
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
  std::vector<Described> entries_;
  std::vector<std::size_t>* numbers_ = nullptr;
  std::map<std::string, std::string> metadata_;
};

// Bytes of a tensor of this shape; nothing when there are more than can be counted.
std::optional<std::size_t> bytes_of(const std::vector<std::size_t>& shape, TensorType type) {
  std::size_t bytes = element_bytes(type);
  for (const std::size_t extent : shape) {
    if (__builtin_mul_overflow(bytes, extent, &bytes)) return std::nullopt;
  }
  return bytes;
}

TensorEntry checked(const std::filesystem::path& path, const Described& described) {
  const std::string name = "tensor '" + described.name + "' ";
  for (const char* field : kFields) {
    if (!described.given.contains(field)) refuse(path, name + "has no " + field);
  }
  const auto type = tensor_type(described.dtype);
  if (!type) refuse(path, name + "is of type " + described.dtype + ", which is not read");
  const auto& offsets = described.offsets;
  if (offsets.size() != 2 || offsets.front() > offsets.back()) {
    refuse(path, name + "does not have a begin and an end");
  }
  if (bytes_of(described.shape, *type) != offsets.back() - offsets.front()) {
    refuse(path, name + "does not have the size of its shape");
  }
  return {described.name, *type, described.shape, offsets.front()};
}

std::string padded_text(const std::filesystem::path& path, const Json& json) {
  std::string text;
  try {
    text = json.dump();
  } catch (const Json::exception&) {
    refuse_to_write(path, "a name or metadata value is not valid UTF-8");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  if (text.size() > TensorHeader::kMaxBytes) {
    refuse_to_write(path, "its header of " + std::to_string(text.size()) +
                              " bytes is above the limit of " +
                              std::to_string(TensorHeader::kMaxBytes));
  }
  return text;
}

}  // namespace

std::size_t TensorEntry::elements() const {
  std::size_t elements = 1;
  for (const std::size_t extent : shape) elements *= extent;
  return elements;
}

std::string shape_text(const std::vector<std::size_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + "]";
}

TensorHeader TensorHeader::parse(const std::filesystem::path& path, const std::string& json,
                                 std::uint64_t data_bytes) {
  if (!json.starts_with('{')) refuse(path, "its header does not start with '{'");
  HeaderReader reader;
  if (!Json::sax_parse(json, &reader)) refuse(path, reader.fault());
  TensorHeader header{std::move(reader.metadata()), {}};
  for (const Described& entry : reader.entries()) header.entries.push_back(checked(path, entry));
  std::ranges::sort(header.entries, {},
                    [](const TensorEntry& entry) { return std::pair(entry.first, entry.bytes()); });
  std::uint64_t end = 0;
  for (const TensorEntry& entry : header.entries) {
    if (entry.first != end) {
      refuse(path, "tensor '" + entry.name + "' begins at byte " + std::to_string(entry.first) +
                       " of the data, not at " + std::to_string(end));
    }
    end += entry.bytes();
  }
  if (end != data_bytes) {
    refuse(path, "its tensors have " + std::to_string(end) + " bytes, its data " +
                     std::to_string(data_bytes));
  }
  return header;
}

std::string TensorHeader::place(const std::filesystem::path& path) {
  if (entries.size() > kMaxEntries || metadata.size() > kMaxEntries) {
    refuse_to_write(path, "it holds more than 4096 tensors or metadata");
  }
  Json json = Json::object();
  if (!metadata.empty()) json[kMetadata] = metadata;
  std::uint64_t end = 0;
  for (TensorEntry& entry : entries) {
    const std::string name = "tensor '" + entry.name + "' ";
    if (json.contains(entry.name) || entry.name == kMetadata) {
      refuse_to_write(path, "the name '" + entry.name + "' is taken");
    }
    const auto bytes = bytes_of(entry.shape, entry.type);
    entry.first = end;
    if (entry.shape.size() > kMaxRank) refuse_to_write(path, name + "has more than 8 dimensions");
    if (!bytes || __builtin_add_overflow(end, *bytes, &end)) {
      refuse_to_write(path, name + "is too large");
    }
    if (entry.first % element_bytes(entry.type) != 0) {
      refuse_to_write(path, name + "would not be aligned: larger elements go first");
    }
    json[entry.name] = {{"dtype", to_string(entry.type)},
                        {"shape", entry.shape},
                        {"data_offsets", {entry.first, end}}};
  }
  return padded_text(path, json);
}

}  // namespace bayesum
