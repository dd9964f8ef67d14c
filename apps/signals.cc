#include "paracord/apps/signals.h"

#include <signal.h>

#include <cstdlib>
#include <thread>
#include <utility>

#include "paracord/apps/commands.h"
#include "paracord/core/guarded.h"

namespace paracord::apps {

struct Termination::State {
  struct Told {
    int signals = 0;
    std::function<void()> first, second;
  };
  detail::Guarded<Told> told;

  void take_signal() {
    told.with([](Told& now) {
      const auto& tell = now.signals++ == 0 ? now.first : now.second;
      if (tell) {
        tell();
      } else if (now.signals > 1) {
        std::_Exit(failed);
      }
    });
  }
};

Termination::Termination() : state_(std::make_shared<State>()) {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGTERM);
  sigaddset(&wanted, SIGINT);
  pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
  std::thread([wanted, state = state_] {
    for (int signal = 0; sigwait(&wanted, &signal) == 0;) state->take_signal();
  }).detach();
}

Termination::Served Termination::serve(std::function<void()> first, std::function<void()> second) {
  state_->told.with([&](State::Told& now) {
    now.first = std::move(first);
    now.second = std::move(second);
    if (now.signals > 0) now.first();
  });
  return Served(*this);
}

Termination::Served::~Served() {
  // A signal that comes now has nothing to end but the last steps of the process.
  const auto nothing = [] {};
  of_.state_->told.with([&](State::Told& now) { now.first = now.second = nothing; });
}

}  // namespace paracord::apps
