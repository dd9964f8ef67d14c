// A library whose global object makes calls: nobody can load it twice at once, so no worker can.

#include <string>

#include "paracord/paracord.h"

namespace {

int twice(int i) {
  return 2 * i;
}

std::string outcome_on(const char* backend) {
  try {
    paracord::Parallel parallel({.n_jobs = 2, .backend = backend});
    parallel(std::views::iota(0, 4) |
             std::views::transform([](int i) { return paracord::delayed<twice>(i); }));
    return "done";
  } catch (const paracord::BackendUnavailable& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another error: ") + error.what();
  }
}

struct Outcomes {
  std::string threads = outcome_on("threads"), processes = outcome_on("processes"),
              zeromq = outcome_on("zeromq");
};
const Outcomes outcomes;

}  // namespace

extern "C" const char* outcome_while_loading(int which) {
  const std::string* all[] = {&outcomes.threads, &outcomes.processes, &outcomes.zeromq};
  return all[which]->c_str();
}
extern "C" bool works_now() {
  return outcome_on("processes") == "done";
}
