#pragma once

namespace paracord::detail {

/// Whether this thread is inside of dlopen(), in a constructor of the library that is being loaded:
/// then no other thread can look up a symbol or load a library, so that waiting for one would never
/// end. Costs a microsecond, and more after libraries were loaded.
///
/// Threads: any.
bool this_thread_loads_a_library();

/// While one lives, this thread loads a library on behalf of another process.
class LoadingScope {
 public:
  LoadingScope();
  LoadingScope(const LoadingScope&) = delete;
  ~LoadingScope();
};

}  // namespace paracord::detail
