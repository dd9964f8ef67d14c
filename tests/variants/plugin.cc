// A shared object that runs tasks in worker processes, in whatever program it is loaded into. Its
// answers hold PLUGIN_NUMBER, which tells one plugin from another.

#include <unistd.h>

#include <cstdio>
#include <exception>

#include "paracord/paracord.h"
#include "paracord/tests/variants/cases.h"

#ifdef PLUGIN_NEEDS_HOST
extern "C" int number_of_host();
#else
static int number_of_host() {
  return 0;
}
#endif

namespace paracord::variants {
namespace {

Answer adds(int x) {
  return {x + PLUGIN_NUMBER + number_of_host(), getpid()};
}

int run() {
  Parallel parallel({.n_jobs = 2, .backend = "processes"});
  const auto tasks =
      std::views::iota(0, 50) | std::views::transform([](int i) {
        return i % 2 == 0 ? Task<Answer>(delayed<adds>(i)) : Task<Answer>(delayed<triples>(i));
      });
  int wrong = 0, i = 0;
  for (const Answer& answer : parallel(tasks)) {
    const int expected = i % 2 == 0 ? i + PLUGIN_NUMBER : 3 * i;
    wrong += answer.value != expected || answer.pid == getpid();
    ++i;
  }
  if (wrong != 0) std::fprintf(stderr, "WRONG: plugin %d: %d answers\n", PLUGIN_NUMBER, wrong);
  return wrong;
}

}  // namespace
}  // namespace paracord::variants

/// Returns how many answers were wrong, or −1.
extern "C" __attribute__((visibility("default"))) int plugin_run() {
  try {
    return paracord::variants::run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "plugin %d: %s\n", PLUGIN_NUMBER, error.what());
    return -1;
  }
}
