#include "paracord/cache/call_lines.h"

#include <cstdio>
#include <cstring>

#include "paracord/core/number_text.h"

namespace paracord::detail {

void print_cache_line(const std::string& text) {
  const std::string line = "[Memory] " + text + "\n";
  std::fputs(line.c_str(), stderr);
}

CallLines::CallLines(const FunctionSpec& function, const char* doing, const CallFrame& frame,
                     const StoreBackend* store, const Digest& key)
    : function_(function),
      prints_(function.verbose > (std::strcmp(doing, "Calling") == 0 ? 0 : 1)) {
  if (!prints_) return;
  std::string text = std::string(doing) + " " + function.name + "(" + frame.arguments() + ")";
  if (function.verbose >= 10) text += " of " + store->describe({function.folder, key});
  print_cache_line(text);
  began_ = std::chrono::steady_clock::now();
}

CallLines::~CallLines() {
  if (!prints_) return;
  const Seconds took = std::chrono::steady_clock::now() - began_;
  print_cache_line(function_.name + " took " + fixed_text(took.count(), 1) + " s, " +
                   fixed_text(took.count() / 60, 1) + " min");
}

}  // namespace paracord::detail
