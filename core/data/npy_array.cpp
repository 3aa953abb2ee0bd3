#include "core/data/npy_array.hpp"

#include <array>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

#include "core/data/npy_header.hpp"
#include "core/files/field_text.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kLongestHeader = std::size_t{1} << 20;
constexpr std::size_t kMostColumns = std::size_t{1} << 20;

struct TypeName {
  std::string_view name;
  NpyType type;
  std::size_t bytes;
};
constexpr std::array kTypes = {
    TypeName{"f4", NpyType::kF4, 4},   TypeName{"f8", NpyType::kF8, 8},
    TypeName{"i1", NpyType::kI1, 1},   TypeName{"i2", NpyType::kI2, 2},
    TypeName{"i4", NpyType::kI4, 4},   TypeName{"i8", NpyType::kI8, 8},
    TypeName{"u1", NpyType::kU1, 1},   TypeName{"u2", NpyType::kU2, 2},
    TypeName{"u4", NpyType::kU4, 4},   TypeName{"u8", NpyType::kU8, 8},
    TypeName{"b1", NpyType::kBool, 1},
};

[[noreturn]] void refuse(const ByteFile& file, const std::string& why) {
  throw Error(ExitCode::kFile, file.path().string() + ": " + why);
}

const TypeName& type_of(const ByteFile& file, const std::string& descr) {
  if (descr.starts_with('>')) refuse(file, "numbers of type " + shown(descr) + " are big-endian");
  for (const TypeName& type : kTypes) {
    const bool little = descr.starts_with('<') || (type.bytes == 1 && descr.starts_with('|'));
    if (little && descr.substr(1) == type.name) return type;
  }
  refuse(file, "numbers of type " + shown(descr) +
                   " are not supported; float 4 and 8, int and uint 1 to 8, and bool are");
}

std::size_t product(const ByteFile& file, std::size_t a, std::size_t b) {
  std::size_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) refuse(file, "its shape is too large");
  return result;
}

// The text of the header and, in `body`, the byte after it.
std::string header_text(const ByteFile& file, std::size_t& body) {
  ByteReader reader(file);
  std::array<unsigned char, 12> start{};
  const std::size_t most = std::min<std::uint64_t>(start.size(), file.size());
  reader.read(0, std::as_writable_bytes(std::span(start)).first(most));
  if (most < 10 || std::memcmp(start.data(), kMagic.data(), kMagic.size()) != 0) {
    refuse(file, "it is no .npy file");
  }
  const int version = start[6];
  if (version < 1 || version > 3) {
    refuse(file, "version " + std::to_string(version) + " of the .npy format is not known");
  }
  std::size_t length = start[8] + 256u * start[9];
  if (version > 1) length += 65536u * start[10] + (std::size_t{start[11]} << 24);
  const std::size_t first = version > 1 ? 12 : 10;
  if (length > kLongestHeader || first + length > file.size()) {
    refuse(file, "its header of " + std::to_string(length) + " bytes is longer than " +
                     (length > kLongestHeader ? "a header may be" : "the file"));
  }
  std::string text(length, ' ');
  reader.read(first, std::as_writable_bytes(std::span(text)));
  body = first + length;
  return text;
}

template <class T>
void convert_as(const std::byte* row, std::size_t rows, std::size_t row_bytes,
                std::span<const NpyArray::Column> columns, double* out, std::size_t stride) {
  for (std::size_t i = 0; i < rows; ++i, row += row_bytes, out += stride) {
    for (std::size_t k = 0; k < columns.size(); ++k) {
      T value;
      std::memcpy(&value, row + columns[k].offset, sizeof(T));
      out[k] = static_cast<double>(value);
    }
  }
}

using Convert = void (*)(const std::byte*, std::size_t, std::size_t,
                         std::span<const NpyArray::Column>, double*, std::size_t);

Convert convert_of(NpyType type) {
  switch (type) {
    case NpyType::kF4:
      return convert_as<float>;
    case NpyType::kF8:
      return convert_as<double>;
    case NpyType::kI1:
      return convert_as<std::int8_t>;
    case NpyType::kI2:
      return convert_as<std::int16_t>;
    case NpyType::kI4:
      return convert_as<std::int32_t>;
    case NpyType::kI8:
      return convert_as<std::int64_t>;
    case NpyType::kU1:
    case NpyType::kBool:
      return convert_as<std::uint8_t>;
    case NpyType::kU2:
      return convert_as<std::uint16_t>;
    case NpyType::kU4:
      return convert_as<std::uint32_t>;
    case NpyType::kU8:
      return convert_as<std::uint64_t>;
  }
  return nullptr;
}

}  // namespace

NpyArray::NpyArray(std::filesystem::path path) : file_(std::move(path)) {
  const std::string text = header_text(file_, body_);
  NpyHeader header;
  try {
    header = parse_npy_header(text);
  } catch (const Error& error) {
    refuse(file_, error.what());
  }
  if (header.fortran_order) refuse(file_, "it is in Fortran order; save it in C order");
  const bool structured = !header.fields.empty();
  const std::size_t dimensions = header.shape.size();
  if (dimensions < 1 || dimensions > (structured ? 1 : 2)) {
    refuse(file_, std::string(structured ? "a structured array" : "an array") + " of " +
                      std::to_string(dimensions) + " dimensions is not supported");
  }
  rows_ = header.shape[0];
  if (structured) {
    for (auto& [name, descr] : header.fields) {
      const TypeName& type = type_of(file_, descr);
      columns_.push_back({std::move(name), type.type, row_bytes_});
      row_bytes_ += type.bytes;
    }
  } else {
    const TypeName& type = type_of(file_, header.descr);
    const std::size_t columns = dimensions == 2 ? header.shape[1] : 1;
    if (columns > kMostColumns) {
      refuse(file_, "it has " + std::to_string(columns) + " columns, more than the " +
                        std::to_string(kMostColumns) + " there may be");
    }
    for (std::size_t j = 0; j < columns; ++j) columns_.push_back({"", type.type, j * type.bytes});
    row_bytes_ = columns * type.bytes;
  }
  const std::size_t wanted = product(file_, rows_, row_bytes_);
  if (wanted != file_.size() - body_) {
    refuse(file_, "its shape wants " + std::to_string(wanted) + " bytes after the header, where " +
                      std::to_string(file_.size() - body_) + " are");
  }
}

void NpyArray::read(ByteReader& reader, std::size_t first, std::size_t count,
                    std::vector<std::byte>& bytes, Hash& hash) const {
  bytes.resize(count * row_bytes_);
  reader.read(body_ + first * row_bytes_, bytes);
  hash.add(bytes);
}

// Runs of one type go row by row.
void convert(std::span<const std::byte> rows, std::size_t row_bytes,
             std::span<const NpyArray::Column> columns, double* out, std::size_t stride) {
  const std::size_t count = row_bytes == 0 ? 0 : rows.size() / row_bytes;
  for (std::size_t first = 0; first < columns.size();) {
    std::size_t last = first + 1;
    while (last < columns.size() && columns[last].type == columns[first].type) ++last;
    convert_of(columns[first].type)(rows.data(), count, row_bytes,
                                    columns.subspan(first, last - first), out + first, stride);
    first = last;
  }
}

}  // namespace bayesum
