// Loads plugins and runs them. Knows nothing of Paracord, unless it is built with HOST_HAS_TASKS.
// Its arguments are done in order: open PLUGIN, run, close, replace FILE NEW_FILE, own, chdir
// FOLDER.

#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#ifdef HOST_HAS_TASKS
#include "paracord/paracord.h"
#include "paracord/tests/variants/cases.h"
#endif

extern "C" __attribute__((visibility("default"))) int number_of_host() {
  return 0;
}

namespace {

#ifdef HOST_HAS_TASKS
using paracord::variants::Answer;

// Its name is also in the plugins.
Answer adds(int x) {
  return {x - 1, getpid()};
}

bool own_tasks() {
  paracord::Parallel parallel({.n_jobs = 2, .backend = "processes"});
  const auto tasks =
      std::views::iota(0, 50) | std::views::transform([](int i) {
        return i % 2 == 0
                   ? paracord::Task<Answer>(paracord::delayed<adds>(i))
                   : paracord::Task<Answer>(paracord::delayed<paracord::variants::triples>(i));
      });
  int wrong = 0, i = 0;
  for (const Answer& answer : parallel(tasks)) {
    wrong += answer.value != (i % 2 == 0 ? i - 1 : 3 * i) || answer.pid == getpid();
    ++i;
  }
  return wrong == 0;
}
#else
bool own_tasks() {
  return true;
}
#endif

bool say(bool done, const std::string& what) {
  std::printf("%s: %s\n", what.c_str(), done ? "done" : "FAILED");
  return done;
}

bool run_plugin(void* plugin) {
  if (plugin == nullptr) return false;
  const auto run = reinterpret_cast<int (*)()>(dlsym(plugin, "plugin_run"));
  return run != nullptr && run() == 0;
}

bool all_done(int argc, char** argv) {
  void* plugin = nullptr;
  bool right = true;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "open") {
      plugin = dlopen(argv[++i], RTLD_NOW | RTLD_LOCAL);
      right &= say(plugin != nullptr, "open");
      if (plugin == nullptr) std::printf("%s\n", dlerror());
    } else if (word == "run") {
      right &= say(run_plugin(plugin), "run");
    } else if (word == "close") {
      right &= say(dlclose(plugin) == 0, "close");
    } else if (word == "replace") {
      right &= say(std::rename(argv[i + 2], argv[i + 1]) == 0, "replace");
      i += 2;
    } else if (word == "chdir") {
      right &= say(chdir(argv[++i]) == 0, "chdir");
    } else if (word == "own") {
      right &= say(own_tasks(), "own");
    }
  }
  return right;
}

}  // namespace

int main(int argc, char** argv) {
#ifdef HOST_HAS_TASKS
  paracord::initialize(argc, argv);
#endif
  return all_done(argc, argv) ? 0 : 1;
}
