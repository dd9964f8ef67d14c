#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "paracord/cache/cached_function.h"
#include "paracord/cache/function_identity.h"
#include "paracord/cache/parameters.h"
#include "paracord/cache/size_limits.h"
#include "paracord/core/options.h"

namespace paracord {

struct MemoryOptions {
  std::string location{};         ///< a folder of the cache's own; empty: nothing is remembered
  std::string backend = "local";  ///< or one that register_store_backend() added
  std::optional<MmapMode> mmap_mode{};  ///< arrays in results are mapped: `read` or `copy_on_write`
  std::string compress{};  ///< of results, as DumpOptions::compress; not with mmap_mode
  int verbose = 0;         ///< on stderr: 1 calls and warnings, 2 loading, 10 where it lies
  SizeLimits limits{};     ///< held, about, while results are written
  std::function<void(const std::string&)>
      on_warning{};  ///< in this process; may come from any thread
  std::map<std::string, std::string> backend_options{};
};

/// Of one function; what is not set is as in MemoryOptions.
struct CacheOptions {
  std::string name{};     ///< instead of the compiler's
  std::string version{};  ///< with `name`: says which code made a result; change it with the code
  std::optional<MmapMode> mmap_mode{};
  std::optional<std::string> compress{};
  std::optional<int> verbose{};
  std::optional<Seconds> expires_after{};  ///< then a call is made again
};

/// Remembers the results of functions, on disk: joblib's Memory.
///
/// What a result belongs to is told by the function, its version and the arguments, as the values
/// that its parameters take. The version is the program's file, so every new build begins anew;
/// with a name and a version of your own it is those, and results live on.
///
/// Threads: any; one folder may be used by many processes, on many machines. Copies share one
/// cache. Errors: std::invalid_argument for options that cannot be, and for a name and version that
/// another function of the program has, with the same parameters; std::runtime_error for a folder
/// that cannot be used. Later trouble with the folder costs no call its result. Why not functions
/// of the standard's map: results outlive the program, and are found by others.
///
/// Example: docs/cache.md
class Memory {
 public:
  explicit Memory(MemoryOptions options);

  /// A function, member function or captureless lambda F that remembers. `Tags` are
  /// `parameters<…>`, `ignore<…>` and `valid_if<…>`.
  template <auto F, class... Tags>
  CachedFunction<F, Tags...> cache(const CacheOptions& options = {}) const {
    static_assert(detail::HasSignature<std::remove_cv_t<decltype(F)>>,
                  "cache: the callable has no single signature; choose an overload with "
                  "static_cast, or give a lambda's parameters types.");
    using Plain = typename detail::PlainSignature<std::remove_cv_t<decltype(F)>>::Type;
    return {cache_,
            describe(options, &detail::value_name<F>, &detail::CachedCall<Plain, F, Tags...>::types,
                     &detail::EntryOf<detail::CachedEntry<F>>::entry)};
  }

  /// Forgets all results.
  void clear() const;
  /// Erases what was used least recently, until the limits hold. Returns how many results went.
  std::size_t reduce_size(const SizeLimits& limits) const;
  /// Of calls in this process, since the Memory was made: what workers and nodes look up counts in
  /// theirs, and is 0 here.
  MemoryStatistics statistics() const;

 private:
  std::shared_ptr<const detail::FunctionSpec> describe(const CacheOptions& options,
                                                       std::string (*name)(),
                                                       std::string (*types)(),
                                                       detail::Entry* entry) const;
  std::shared_ptr<detail::Cache> cache_;  // its functions and their handles keep it, too
  MemoryOptions options_;
};

}  // namespace paracord
