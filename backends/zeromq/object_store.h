#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "paracord/core/cluster_messages.h"
#include "paracord/memmap/buffer.h"

namespace paracord::cluster {

/// The objects of a node, in shared memory that its workers map. Within a budget: objects that
/// nobody uses go to the disk, and from there for good, the least recently used first.
///
/// Threads: any.
/// Errors:  BackendUnavailable where there is no room, although all that nobody uses has gone.
class ObjectStore {
 public:
  struct Options {
    std::size_t memory_bytes = 0;  ///< 0: a quarter of the machine's memory
    std::size_t spill_bytes = std::size_t{16} << 30;
    std::string spill_folder;          ///< empty: the system's folder for temporary files
    std::vector<std::string> folders;  ///< for shared memory; empty: as temp_folders() says
  };
  explicit ObjectStore(Options options);
  ObjectStore(const ObjectStore&) = delete;
  ~ObjectStore();

  /// Registered buffers (see find_buffer) that stay while they are held: an object whose buffer is
  /// held is in use.
  using Held = std::shared_ptr<detail::Buffer>;

  /// Whether there is room in shared memory is known for certain when it is filled, or before.
  enum class Room { when_filled, at_once };
  /// Memory for an object that is about to be fetched.
  Held make(const ObjectId& object, Room room = Room::when_filled);
  /// It has been filled: from now on it is found, and read-only for all.
  void complete(const ObjectId& object);
  /// Read back from the disk, where it went there. Null: not here.
  Held find(const ObjectId& object);
  /// Not wanted by anyone any more.
  void erase(const ObjectId& object);
  /// `told`: before an object's memory goes, to the disk or for good; nobody may be shown it from
  /// then on. Called while the store is locked: it must not call the store.
  void on_dropped(std::function<void(const ObjectId&)> told);

  struct Counters {
    std::size_t objects, memory_bytes, memory_limit, spilled_bytes, used_bytes;
    std::uint64_t evictions, spills, reloads;
  };
  Counters counters() const;
  std::size_t memory_limit() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace paracord::cluster
