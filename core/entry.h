#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "paracord/core/encoder.h"

/// How a function is named to another process: by the place, in its module (an executable or a
/// shared object), of a hidden object that stands for it. A code address would not do, since
/// linkers merge equal functions; nor would a name, which two static functions may share.
namespace paracord::detail {

/// What a task was doing when an exception left it.
enum class Phase : std::uint8_t {
  encoding_arguments,
  decoding_arguments,
  running,
  encoding_result
};

/// Reads arguments, calls the function, writes its result. Throws what the function throws, and
/// SerializationError; `phase` then says where.
using RunEncoded = void (*)(Decoder& arguments, Encoder& result, Phase& phase);

/// Stands for one function in one module. Registered while it lives, so also no longer than its
/// module is loaded.
///
/// Threads: any.
class Entry {
 public:
  explicit Entry(RunEncoded run) noexcept;
  Entry(const Entry&) = delete;
  ~Entry();

  RunEncoded run() const { return run_; }
  /// Its name in messages of this process: module number << 40 | place in the module.
  std::uint64_t reference() {
    const std::uint64_t known = reference_.load(std::memory_order_relaxed);
    return known != 0 ? known : find_reference();
  }

 private:
  std::uint64_t find_reference();
  const RunEncoded run_;
  std::atomic<std::uint64_t> reference_{0};
};

/// The entry of the callable type D. Hidden: each module has its own, though a type is in several.
template <class D>
struct __attribute__((visibility("hidden"))) EntryOf {
  static inline Entry entry{&D::run_encoded};
};

/// A module, as one process describes it to another that runs the same files.
struct ModuleName {
  std::uint32_t number = 0;             ///< in references; 0 is the executable
  std::string path;                     ///< absolute; of the executable too
  std::uint64_t device = 0, inode = 0;  ///< of the file when it was loaded
  std::uint64_t digest = 0;             ///< of where its entries stand
  bool operator==(const ModuleName&) const = default;
};

/// The module that a reference of this process names. Throws std::logic_error for none.
ModuleName module_of(std::uint64_t reference);

/// In the receiving process: gives references with this module number their meaning. Loads the
/// module where that has not happened. Throws BackendUnavailable where it is not the same file, or
/// cannot be loaded.
void adopt_module(const ModuleName& name);

/// In the receiving process: the entry that a reference of the sender names. Throws
/// SerializationError where there is none: nothing is ever jumped to unseen.
Entry& find_entry(std::uint64_t reference);

}  // namespace paracord::detail
