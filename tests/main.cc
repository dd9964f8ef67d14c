// The main of all test programs.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/time.h>

#include <cstdlib>

#include "paracord/backends/worker/initialize.h"

namespace {

// A signal each millisecond that ends calls of the system early, as hosts with timers have it.
void start_timer() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  sigaction(SIGALRM, &action, nullptr);  // without SA_RESTART
  const itimerval each{{0, 1000}, {0, 1000}};
  setitimer(ITIMER_REAL, &each, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  if (std::getenv("PARACORD_TEST_TIMER") != nullptr) start_timer();
  return RUN_ALL_TESTS();
}
