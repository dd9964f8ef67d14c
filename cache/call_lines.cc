#include "paracord/cache/call_lines.h"

#include <cstdio>
#include <cstring>

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
  char text[64];
  std::snprintf(text, sizeof text, " took %.1f s, %.1f min", took.count(), took.count() / 60);
  print_cache_line(function_.name + text);
}

}  // namespace paracord::detail
