#include "core/files/byte_file.hpp"

#include <string>
#include <utility>

#include "kernels/error.hpp"

namespace bayesum {

ByteFile::ByteFile(std::filesystem::path path) : path_(std::move(path)) {
  const InputFile file(path_);
  stored_ = size_ = file.size();
  modified_ = file.modified();
  if (is_gzip(file)) {
    index_ = std::make_shared<GzipIndex>(file);
    size_ = index_->size();
  }
}

ByteReader::ByteReader(const ByteFile& file) : file_(file.path()) {
  if (file_.size() != file.stored_) {
    throw Error(ExitCode::kFile, file.path().string() + " changed its size from " +
                                     std::to_string(file.stored_) + " to " +
                                     std::to_string(file_.size()) + " bytes since it was opened");
  }
  if (file_.modified() != file.modified_) {
    throw Error(ExitCode::kFile, file.path().string() + " has changed since it was opened");
  }
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
