#include "paracord/core/input_threads.h"

#include <deque>
#include <system_error>

#include "paracord/core/event.h"
#include "paracord/core/fork.h"
#include "paracord/core/guarded.h"
#include "paracord/core/service_thread.h"

namespace paracord::detail {

namespace {

constexpr auto idle_time = std::chrono::seconds(2);

struct Job {
  void (*run)(void*) = nullptr;
  void* argument = nullptr;
};

class InputThreads {
 public:
  void run(Job job) {
    const bool start = state_.with([&](State& state) {
      state.jobs.push_back(job);
      // One that is idle takes one job.
      if (state.idle >= static_cast<int>(state.jobs.size())) return false;
      ++state.idle;
      return true;
    });
    if (!start) return changed_.notify();
    try {
      service_thread([this] { serve(); }).detach();
    } catch (const std::system_error&) {
      state_.with([](State& state) { --state.idle; });
      run_one();
    }
  }

 private:
  struct State {
    std::deque<Job> jobs;
    int idle = 0;  // threads that look for a job, or are about to
  };

  bool run_one() {
    Job job{};
    const bool found = state_.with([&](State& state) {
      if (state.jobs.empty()) return false;
      job = state.jobs.front();
      state.jobs.pop_front();
      return true;
    });
    if (found) job.run(job.argument);
    return found;
  }

  void serve() {
    while (true) {
      Job job{};
      // Asked again once it has held.
      const auto take = [&] {
        return job.run != nullptr || state_.with([&](State& state) {
          if (state.jobs.empty()) return false;
          job = state.jobs.front();
          state.jobs.pop_front();
          --state.idle;
          return true;
        });
      };
      while (!changed_.wait(take, SteadyClock::now() + idle_time)) {
        const bool ends = state_.with([](State& state) {
          if (!state.jobs.empty()) return false;
          --state.idle;
          return true;
        });
        if (ends) return;
      }
      job.run(job.argument);
      state_.with([](State& state) { ++state.idle; });
    }
  }

  Guarded<State> state_;
  Event changed_;
};

// A child of a fork has none of the threads. Never destroyed: they may outlive the static objects.
InputThreads& input_threads() {
  static Guarded<std::pair<std::uint64_t, InputThreads*>> threads;
  return *threads.with([](auto& known) {
    if (known.second == nullptr || known.first != fork_count())
      known = {fork_count(), new InputThreads};
    return known.second;
  });
}

}  // namespace

void run_on_input_thread(void (*job)(void*), void* argument) {
  input_threads().run({job, argument});
}

}  // namespace paracord::detail
