#pragma once

#include <chrono>
#include <string>

#include "paracord/cache/cache.h"

namespace paracord::detail {

/// One line on stderr.
void print_cache_line(const std::string& text);

/// What is printed of a call, as joblib does: from verbose = 1 on what is called and how long it
/// took, from 2 on what is loaded, from 10 on where it lies.
class CallLines {
 public:
  CallLines(const FunctionSpec& function, const char* doing, const CallFrame& frame,
            const StoreBackend* store, const Digest& key);
  CallLines(const CallLines&) = delete;
  ~CallLines();

 private:
  const FunctionSpec& function_;
  const bool prints_;
  std::chrono::steady_clock::time_point began_{};
};

}  // namespace paracord::detail
