#include "paracord/backends/zeromq/background.h"

#include <atomic>
#include <deque>
#include <thread>

#include "paracord/core/event.h"
#include "paracord/core/guarded.h"
#include "paracord/core/service_thread.h"

namespace paracord::cluster {

struct Background::State {
  detail::Guarded<std::deque<std::function<void()>>> jobs;
  std::atomic<bool> stopped{false};
  detail::Event event;
  std::thread thread;

  bool is_idle() {
    return jobs.with([](auto& waiting) { return waiting.empty(); });
  }

  void serve() {
    while (true) {
      event.wait([&] { return stopped.load() || !is_idle(); });
      if (stopped.load()) return;
      const auto job = jobs.with([](auto& waiting) {
        auto first = std::move(waiting.front());
        waiting.pop_front();
        return first;
      });
      job();
    }
  }
};

Background::Background() : state_(std::make_unique<State>()) {
  state_->thread = detail::service_thread([state = state_.get()] { state->serve(); });
}

Background::~Background() {
  state_->stopped.store(true);
  state_->event.notify();
  state_->thread.join();
}

void Background::run(std::function<void()> job) {
  state_->jobs.with([&](auto& waiting) { waiting.push_back(std::move(job)); });
  state_->event.notify();
}

}  // namespace paracord::cluster
