#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "paracord/memmap/buffer.h"
#include "paracord/transport/neighbours.h"

namespace paracord::cluster {

/// Objects where they lie, in files of clients on this machine: mapped read-only, and handed on to
/// workers by their files. A file that holds many of them is opened and handed on once.
///
/// Threads: one. The buffers: any.
class BorrowedFiles {
 public:
  /// Registered memory (see find_buffer). Null where it cannot be mapped.
  std::shared_ptr<detail::Buffer> map(const NeighbourFile& file, std::size_t bytes);

 private:
  struct File;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::weak_ptr<const File>> files_;
};

}  // namespace paracord::cluster
