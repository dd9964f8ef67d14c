#include "paracord/memmap/file_stream.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "paracord/memmap/new_file.h"

namespace paracord::detail {

namespace {

std::size_t read_at(const OpenFile& file, void* data, std::size_t bytes, std::uint64_t offset) {
  ssize_t got;
  do {
    got = pread(file.fd(), data, bytes, static_cast<off_t>(offset));
  } while (got < 0 && errno == EINTR);
  if (got < 0) refuse_file("read", file.path());
  return static_cast<std::size_t>(got);
}

class FileSink final : public ByteSink {
 public:
  explicit FileSink(NewFile& file) : file_(file) {}
  void write(const void* data, std::size_t bytes) override { file_.write(data, bytes); }

 private:
  NewFile& file_;
};

}  // namespace

std::size_t FileSource::read_some(void* data, std::size_t bytes) {
  if (begin_ == end_) {
    if (bytes >= sizeof buffer_) {
      const std::size_t got = read_at(*file_, data, bytes, read_);
      read_ = position_ += got;
      return got;
    }
    begin_ = 0;
    end_ = read_at(*file_, buffer_, sizeof buffer_, read_);
    read_ += end_;
  }
  const std::size_t taken = std::min(bytes, end_ - begin_);
  std::memcpy(data, buffer_ + begin_, taken);
  begin_ += taken;
  position_ += taken;
  return taken;
}

bool FileSource::skip(std::size_t bytes) {
  const std::size_t known = std::min(bytes, end_ - begin_);
  begin_ += known;
  read_ += bytes - known;
  position_ += bytes;
  return position_ <= file_->bytes();
}

StoredFile::StoredFile(const std::string& path, MmapMode mode, int threads)
    : file_(std::make_shared<OpenFile>(path, mode)), raw_(file_) {
  char start[most_magic];
  const std::size_t got = read_at(*file_, start, sizeof start, 0);
  if (const auto compressor = find_compressor(std::string_view(start, got)))
    decompressing_.emplace(*compressor, raw_, file_->path(), threads);
}

ByteSource& StoredFile::stream() {
  if (decompressing_) return *decompressing_;
  return raw_;
}

void write_file(const std::string& path, const std::optional<Compression>& compression,
                const std::function<void(ByteSink&)>& write) {
  NewFile file(path);
  FileSink sink(file);
  if (compression) {
    CompressingSink compressing(*compression, sink);
    write(compressing);
    compressing.finish();
  } else {
    write(sink);
  }
  file.commit();
}

}  // namespace paracord::detail
