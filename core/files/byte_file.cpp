#include "core/files/byte_file.hpp"

#include <utility>

namespace bayesum {

ByteFile::ByteFile(std::filesystem::path path) : path_(std::move(path)) {
  const InputFile file(path_);
  version_ = file.version();
  size_ = file.size();
  if (is_gzip(file)) {
    index_ = std::make_shared<GzipIndex>(file);
    size_ = index_->size();
  }
}

ByteReader::ByteReader(const ByteFile& file) : file_(file.path()) {
  require_unchanged(file.path(), file.version_, file_.version());
  if (file.index_) packed_.emplace(file_, *file.index_);
}

void ByteReader::read(std::uint64_t first, std::span<std::byte> out) {
  if (packed_) {
    packed_->read(first, out);
  } else {
    file_.read(first, out);
  }
}

}  // namespace bayesum
