#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "paracord/cache/entry_info.h"
#include "paracord/cache/size_limits.h"
#include "paracord/cache/store_backend.h"
#include "paracord/core/guarded.h"
#include "paracord/memmap/value_file.h"

/// What Memory and its functions hand over to compiled code.
namespace paracord {

/// What one Memory, and the functions that it cached, did in this process.
struct MemoryStatistics {
  std::uint64_t hits = 0;           ///< results that were loaded
  std::uint64_t misses = 0;         ///< calls that were made
  std::uint64_t damaged = 0;        ///< entries that could not be read, and were made again
  std::uint64_t failed_stores = 0;  ///< results that could not be kept
};

namespace detail {

/// What makes a cache, in this process and where its functions travel.
struct CacheSpec {
  std::string location;
  std::string backend;
  std::map<std::string, std::string> backend_options;
  SizeLimits limits;
  bool operator<(const CacheSpec& other) const;
};

/// What is known of a cached function, besides how to call it.
struct FunctionSpec {
  std::string name;     // for people
  std::string folder;   // for the store
  std::string version;  // part of the keys
  std::optional<MmapMode> mmap_mode;
  std::string compress;
  int verbose = 0;
  std::optional<Seconds> expires_after;
};

/// One call of a cached function, without its types.
class CallFrame {
 public:
  using Check = bool (*)(const EntryInfo&);
  virtual ~CallFrame() = default;
  virtual const TypeText& type() const = 0;  // of the result
  virtual std::string arguments() const = 0;
  virtual void compute() = 0;
  virtual void encode(Encoder& out) const = 0;
  virtual void decode(Decoder& in) = 0;
  virtual Check check() const { return nullptr; }
  /// The function as the program names it; empty where that does not matter.
  virtual std::string code() const { return {}; }
};

/// The cache of a Memory, shared by all that came of it.
///
/// Threads: any. No error of the store reaches a caller: his call is made, and a warning given.
class Cache {
 public:
  using Warn = std::function<void(const std::string&)>;
  /// Throws what the store throws: a place that cannot be used is found out at once.
  Cache(CacheSpec spec, Warn warn);
  Cache(const Cache&) = delete;

  /// The result into the frame: loaded, or computed and kept.
  void call(const FunctionSpec& function, const Digest& key, CallFrame& frame);
  /// Computed and kept in any case.
  void recompute(const FunctionSpec& function, const Digest& key, CallFrame& frame);
  /// Sees to it that the result is kept, and returns true; where that cannot be, it is in the
  /// frame.
  bool ensure(const FunctionSpec& function, const Digest& key, CallFrame& frame);
  /// The result into the frame; false where there is none that counts.
  bool load(const FunctionSpec& function, const Digest& key, CallFrame& frame);
  bool contains(const FunctionSpec& function, const Digest& key, const std::string& code,
                CallFrame::Check check);

  StoreBackend& store() { return *store_; }
  const CacheSpec& spec() const { return spec_; }
  MemoryStatistics statistics() const;

 private:
  enum class Wanted { value, presence };
  enum class Look { first, again };  // of damage, only the first look tells
  struct Usage {
    bool known = false;
    std::uint64_t bytes = 0, items = 0, added_bytes = 0, added_items = 0;
  };

  struct Opened {
    std::unique_ptr<StoredItem> item;
    EntryStart start;
  };
  Opened open(const FunctionSpec& function, const Digest& key, bool wants_info);
  static bool is_valid(const FunctionSpec& function, const EntryStart& start,
                       CallFrame::Check check);
  static bool is_of_another(const FunctionSpec& function, const EntryStart& start,
                            const std::string& code);
  void found_another(const FunctionSpec& function, const EntryStart& start,
                     const std::string& code);
  bool try_load(const FunctionSpec& function, const Digest& key, CallFrame& frame, Wanted wanted,
                Look look);
  void found_damaged(const FunctionSpec& function, const Digest& key, const std::string& how);
  /// Loads what somebody else made while the reservation was waited for; else calls.
  bool find_or_make(const FunctionSpec& function, const Digest& key, CallFrame& frame,
                    Wanted wanted);
  void read(const FunctionSpec& function, StoredItem& item, const EntryStart& start,
            CallFrame& frame);
  bool compute_and_keep(const FunctionSpec& function, const Digest& key, CallFrame& frame,
                        std::unique_ptr<Reservation> reservation);
  bool keep(const FunctionSpec& function, const CallFrame& frame, EntryInfo info, Reservation& to);
  std::unique_ptr<Reservation> reserve(const FunctionSpec& function, const Digest& key);
  void keep_limits(std::uint64_t bytes);
  void warn(const FunctionSpec& function, const std::string& text);
  void could_not_keep(const FunctionSpec& function, const std::string& why);

  const CacheSpec spec_;
  const Warn warn_;
  const std::shared_ptr<StoreBackend> store_;  // also of other caches
  Guarded<Usage> usage_;
  std::atomic<std::uint64_t> hits_ = 0, misses_ = 0, damaged_ = 0, failed_stores_ = 0;
};

/// The cache of this process for a function that came from another one.
std::shared_ptr<Cache> find_or_open_cache(const CacheSpec& spec);
/// So that functions which come back to this process find it.
void announce_cache(const std::shared_ptr<Cache>& cache);

}  // namespace detail
}  // namespace paracord
