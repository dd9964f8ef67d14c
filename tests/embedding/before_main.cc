// Calls that global objects make before main, and after it.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "paracord/paracord.h"

namespace {

int twice(int i) {
  return 2 * i;
}

std::string outcome_on(const char* backend) {
  try {
    paracord::Parallel parallel({.n_jobs = 2, .backend = backend});
    const auto results = parallel(std::views::iota(0, 4) | std::views::transform([](int i) {
                                    return paracord::delayed<twice>(i);
                                  }));
    return results == std::vector<int>{0, 2, 4, 6} ? "done" : "wrong";
  } catch (const paracord::BackendUnavailable& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another error: ") + error.what();
  }
}

bool says(const std::string& outcome, const char* text) {
  if (outcome.find(text) != std::string::npos) return true;
  std::printf("BROKEN: '%s' does not say '%s'\n", outcome.c_str(), text);
  return false;
}

struct Early {
  std::string processes = outcome_on("processes"), zeromq = outcome_on("zeromq"),
              threads = outcome_on("threads");
};
const Early early;

struct Late {
  ~Late() {
    for (const char* backend : {"threads", "processes", "zeromq"})
      if (!says(outcome_on(backend), "done")) std::_Exit(1);
  }
};
const Late late;

}  // namespace

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);
  const bool right = says(early.threads, "done") && says(early.processes, "main") &&
                     says(early.zeromq, "main") && says(outcome_on("processes"), "done") &&
                     says(outcome_on("zeromq"), "done");
  return right ? 0 : 1;
}
