#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "paracord/memmap/byte_stream.h"
#include "paracord/memmap/digest.h"

/// Where a Memory keeps its entries: in a folder, unless a store of your own is named.
namespace paracord {

namespace detail {
class OpenFile;
}

/// Names one entry: the function's folder, and the digest of its version and arguments.
struct ItemName {
  std::string function;
  Digest key;
};

struct ItemInfo {
  ItemName name;
  std::uint64_t bytes = 0;
  std::chrono::system_clock::time_point last_used{};
};

/// An entry that is open to be read, from its first byte on. It stays readable when it is erased.
class StoredItem : public ByteSource {
 public:
  virtual std::uint64_t bytes() const = 0;
  /// The file that it lies in, from byte 0 on, to be mapped; null where it lies in none.
  virtual std::shared_ptr<detail::OpenFile> file() { return nullptr; }
};

/// The right to make one entry, which nobody else has meanwhile. What is written to it is seen by
/// nobody before publish(), and never if it is destroyed before, or the process ends.
class Reservation : public ByteSink {
 public:
  /// Other bytes in place of the first ones, which have been written.
  virtual void overwrite_start(const void* data, std::size_t bytes) = 0;
  /// Makes it the entry, at once and whole, in place of an older one.
  virtual void publish() = 0;
};

/// Threads: any, and any number of processes where the place is shared.
/// Errors: std::runtime_error that says what is wrong with the place. A Memory goes on without it,
/// and warns.
class StoreBackend {
 public:
  virtual ~StoreBackend() = default;
  /// The entry, which counts as used now; null where there is none.
  virtual std::unique_ptr<StoredItem> open(const ItemName& name) = 0;
  virtual bool contains(const ItemName& name) = 0;
  /// Waits while somebody else has the entry reserved, wherever he runs; where he dies, his
  /// reservation does, too.
  virtual std::unique_ptr<Reservation> reserve(const ItemName& name) = 0;
  /// Nothing happens where there is none.
  virtual void erase(const ItemName& name) = 0;
  virtual std::vector<ItemInfo> items() = 0;
  /// All entries of one function, or of all.
  virtual void clear(const std::string& function) = 0;
  virtual void clear_all() = 0;
  /// Where an entry lies, for people.
  virtual std::string describe(const ItemName& name) const = 0;
};

struct StoreOptions {
  std::string location;
  std::map<std::string, std::string> options;  ///< Memory's backend_options
};
using MakeStore = std::shared_ptr<StoreBackend> (*)(const StoreOptions& options);

/// Gives a store a name for MemoryOptions::backend. Shared: by all that use one cache.
///
/// Threads: any.
/// Errors: std::invalid_argument for no name or function, and for a name that is taken, unless
/// `replace` is set.
void register_store_backend(const std::string& name, MakeStore make, bool replace = false);

namespace detail {

/// Throws std::invalid_argument for a name that nobody registered, and what the store throws.
std::shared_ptr<StoreBackend> make_store(const std::string& name, const StoreOptions& options);

}  // namespace detail
}  // namespace paracord
