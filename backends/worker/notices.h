#pragma once

#include <mutex>
#include <unordered_set>

#include "paracord/backends/worker/channel.h"
#include "paracord/core/guarded.h"
#include "paracord/memmap/sharing.h"

namespace paracord::detail {

/// Files announced by the other end of a socket. A notice is sent before the message that needs it,
/// so whoever misses a file finds its notice in the socket, or with whom is reading it.
///
/// Threads: any.
class NoticeReader {
 public:
  NoticeReader(int socket, SharingReceiver& receiver) : socket_(socket), receiver_(receiver) {}
  /// Takes all that is there. False at the end: the other process is gone.
  bool drain();

 private:
  const int socket_;
  SharingReceiver& receiver_;
  SpinMutex mutex_;
};

/// Announces each file once.
///
/// Threads: any.
class NoticeWriter final : public FilePost {
 public:
  explicit NoticeWriter(int socket) : socket_(socket) {}
  void announce(std::uint32_t file, int fd) override;

 private:
  const int socket_;
  Guarded<std::unordered_set<std::uint32_t>> announced_;
};

}  // namespace paracord::detail
