#include "paracord/core/loading.h"

#include <dlfcn.h>
#include <link.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <system_error>

#include "paracord/core/event.h"
#include "paracord/core/service_thread.h"

namespace paracord::detail {

namespace {

using namespace std::chrono_literals;

// What another thread may take to look up a symbol while this one does not stand in its way; and
// how often it gets that time, since a third thread may be loading something.
constexpr auto longest_lookup = 250ms;
constexpr int attempts = 4;

thread_local int loading_here = 0;

// Any symbol: the lookup takes the loader's lock.
void look_up() {
  (void)dlsym(RTLD_DEFAULT, "paracord_no_such_symbol");
}

// How many libraries were ever loaded.
unsigned long long loads() {
  unsigned long long count = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        *static_cast<unsigned long long*>(data) = info->dlpi_adds;
        return 1;
      },
      &count);
  return count;
}

struct Lookup {
  std::atomic<bool> begun{false}, done{false};
  Event event;
};

// The lock is recursive: a thread that has it passes, and all others wait for it.
bool holds_the_loaders_lock() {
  const auto lookup = std::make_shared<Lookup>();
  try {
    service_thread([lookup] {
      lookup->begun.store(true);
      lookup->event.notify();
      look_up();
      lookup->done.store(true);
      lookup->event.notify();
    }).detach();
  } catch (const std::system_error&) {
    return false;  // no threads: then there will be no call either
  }
  // On a busy machine a thread may have to wait before it runs at all.
  lookup->event.wait([&] { return lookup->begun.load(); });
  for (int attempt = 0; attempt != attempts; ++attempt) {
    look_up();
    lookup->event.wait([&] { return lookup->done.load(); },
                       std::chrono::steady_clock::now() + longest_lookup);
    if (lookup->done.load()) return false;
  }
  return true;
}

}  // namespace

bool this_thread_loads_a_library() {
  static std::atomic<unsigned long long> checked{0};
  if (loading_here != 0) return true;
  const unsigned long long now = loads();
  if (checked.load(std::memory_order_relaxed) == now) return false;
  if (holds_the_loaders_lock()) return true;
  checked.store(now, std::memory_order_relaxed);
  return false;
}

LoadingScope::LoadingScope() {
  ++loading_here;
}
LoadingScope::~LoadingScope() {
  --loading_here;
}

}  // namespace paracord::detail
