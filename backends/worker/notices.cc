#include "paracord/backends/worker/notices.h"

#include <unistd.h>

namespace paracord::detail {

bool NoticeReader::drain() {
  const std::lock_guard<SpinMutex> hold(mutex_);
  while (true) {
    FileNotice notice{};
    int fd = -1;
    const long received = receive_with_descriptors(socket_, &notice, sizeof notice, &fd, 1);
    if (received <= 0) return received < 0;
    if (fd < 0) continue;
    if (received == sizeof notice) {
      receiver_.add(notice.number, fd);
    } else {
      close(fd);
    }
  }
}

void NoticeWriter::announce(std::uint32_t file, int fd) {
  announced_.with([&](auto& announced) {
    if (!announced.insert(file).second) return;
    const FileNotice notice{file};
    // A peer that is gone needs no files; its end is noticed elsewhere.
    (void)send_with_descriptors(socket_, &notice, sizeof notice, &fd, 1);
  });
}

}  // namespace paracord::detail
