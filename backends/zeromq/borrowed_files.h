#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "paracord/core/cluster_ids.h"
#include "paracord/memmap/buffer.h"
#include "paracord/transport/neighbours.h"

namespace paracord::cluster {

/// Objects where they lie, in files of clients on this machine: mapped read-only, and handed on to
/// workers by their files. A file that holds many of them is opened and handed on once.
///
/// Threads: one. The buffers: any.
class BorrowedFiles {
 public:
  /// Registered memory (see find_buffer). Null where it cannot be mapped, or where there are as
  /// many files already as descriptors should be spent on.
  std::shared_ptr<detail::Buffer> map(PeerId client, const NeighbourFile& file, std::size_t bytes);
  /// Workers keep what they were handed. So a file is kept as long as its client may use it again.
  void forget(PeerId client);

 private:
  struct File;
  // A file that has grown is another one: those who have it know its former size.
  struct Key {
    PeerId client;
    std::uint64_t device, inode, size;
    auto operator<=>(const Key&) const = default;
  };
  std::map<Key, std::shared_ptr<const File>> files_;
};

}  // namespace paracord::cluster
