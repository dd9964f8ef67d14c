#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "paracord/memmap/compressed_stream.h"
#include "paracord/memmap/mapped_file.h"

namespace paracord::detail {

/// A file's bytes from some place on.
class FileSource final : public ByteSource {
 public:
  explicit FileSource(std::shared_ptr<OpenFile> file, std::uint64_t offset = 0)
      : file_(std::move(file)), read_(offset), position_(offset) {}
  std::size_t read_some(void* data, std::size_t bytes) override;
  bool skip(std::size_t bytes) override;
  std::uint64_t position() const { return position_; }

 private:
  const std::shared_ptr<OpenFile> file_;  // also of those who map it
  std::uint64_t read_, position_;         // up to where it was read, and handed on
  std::byte buffer_[4096];                // what was read and not handed on is at its end
  std::size_t begin_ = 0, end_ = 0;
};

/// A file that may be compressed, open to be read.
/// Errors: std::runtime_error with the path.
class StoredFile {
 public:
  /// `threads`: that may be used besides this one.
  StoredFile(const std::string& path, MmapMode mode, int threads = 0);
  const std::shared_ptr<OpenFile>& file() const { return file_; }
  const std::string& path() const { return file_->path(); }
  bool is_compressed() const { return decompressing_.has_value(); }
  ByteSource& stream();

 private:
  const std::shared_ptr<OpenFile> file_;
  FileSource raw_;
  std::optional<DecompressingSource> decompressing_;
};

/// Writes a new file, compressed where that was chosen. The name is there when it is complete.
void write_file(const std::string& path, const std::optional<Compression>& compression,
                const std::function<void(ByteSink&)>& write);

}  // namespace paracord::detail
