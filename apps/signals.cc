#include "paracord/apps/signals.h"

#include <signal.h>

#include <thread>
#include <utility>

namespace paracord::apps {

void on_termination(std::function<void()> first, std::function<void()> second) {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGTERM);
  sigaddset(&wanted, SIGINT);
  pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
  std::thread([wanted, first = std::move(first), second = std::move(second)] {
    for (int count = 0;; ++count) {
      int signal = 0;
      if (sigwait(&wanted, &signal) != 0) return;
      (count == 0 ? first : second)();
    }
  }).detach();
}

}  // namespace paracord::apps
