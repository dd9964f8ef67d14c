#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "paracord/core/cluster_ids.h"
#include "paracord/memmap/buffer.h"
#include "paracord/transport/neighbours.h"

namespace paracord::cluster {

/// Memory where it lies, in files of clients on this machine: handed on to workers by its files,
/// which look at it there, or write to it. A file that holds much of it is opened, mapped
/// (read-only) and handed on once, or twice where some of it is written to.
///
/// Threads: one. The buffers: any.
class BorrowedFiles {
 public:
  /// A part of registered memory (see find_buffer); it is writable where it was asked for
  /// `to_write`. Null where the file cannot be mapped or may not be written to, or where there are
  /// as many files already as descriptors should be spent on.
  std::shared_ptr<detail::Buffer> map(PeerId client, const NeighbourFile& file, std::size_t bytes,
                                      bool to_write);
  /// Workers keep what they were handed. So a file is kept as long as its client may use it again.
  void forget(PeerId client);

 private:
  struct File;
  // A file that has grown is another one: those who have it know its former size.
  struct Key {
    PeerId client;
    std::uint64_t device, inode, size;
    bool to_write;
    auto operator<=>(const Key&) const = default;
  };
  std::map<Key, std::shared_ptr<File>> files_;
};

}  // namespace paracord::cluster
