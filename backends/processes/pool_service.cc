// ProcessPool: the thread that starts workers, reads their output and notices their end.

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "paracord/backends/processes/process_pool.h"
#include "paracord/core/descriptors.h"
#include "paracord/core/number_text.h"
#include "paracord/core/service_thread.h"

namespace paracord::detail {

namespace {

constexpr int most_events = 32;
constexpr auto time_between_looks_at_limits = std::chrono::milliseconds(100);

std::string megabytes_of(std::size_t bytes) {
  return std::to_string(bytes >> 20);
}

std::string seconds_of(std::chrono::steady_clock::duration duration) {
  return fixed_text(std::chrono::duration<double>(duration).count(), 6);
}

}  // namespace

void ProcessPool::open_service() {
  epoll_ = moved_up(epoll_create1(EPOLL_CLOEXEC));
  wake_fd_ = moved_up(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  if (epoll_ < 0 || wake_fd_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_fd_, &event) != 0)
    throw BackendUnavailable("processes: no descriptors for the pool of workers");
  start_thread(&ProcessPool::serve);
}

void ProcessPool::start_thread(void (ProcessPool::*main)()) {
  try {
    service_thread([this, main] { (this->*main)(); }).detach();
  } catch (const std::system_error& error) {
    throw BackendUnavailable(std::string("processes: no thread for the pool of workers: ") +
                             error.what());
  }
}

void ProcessPool::wake_service() {
  const std::uint64_t one = 1;
  (void)!write(wake_fd_, &one, sizeof one);
}

void ProcessPool::on_service_thread(const std::function<void()>& run) {
  Job job{&run};
  jobs_.with([&](std::vector<Job*>& jobs) { jobs.push_back(&job); });
  wake_service();
  jobs_done_.wait([&] { return job.done.load(); });
  if (job.error) std::rethrow_exception(job.error);
}

void ProcessPool::run_jobs() {
  const std::vector<Job*> jobs =
      jobs_.with([](std::vector<Job*>& waiting) { return std::exchange(waiting, {}); });
  for (Job* job : jobs) {
    try {
      (*job->run)();
    } catch (...) {
      job->error = std::current_exception();
    }
  }
  for (Job* job : jobs) job->done.store(true);
  if (!jobs.empty()) jobs_done_.notify();
}

WorkerHandle ProcessPool::start(const WorkerSpec& spec, const WorkerProcess::Call& call) {
  auto member = std::make_unique<Member>();
  member->worker = std::make_shared<WorkerProcess>(spec, bell_fd_, parts_);
  const WorkerHandle worker = member->worker;
  member->leased = true;
  worker->begin_call(call);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = worker.get();
  for (const int fd : worker->descriptors()) epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  const std::lock_guard<SpinMutex> hold(mutex_);
  state_.members.push_back(std::move(member));
  changes_.fetch_add(1, std::memory_order_release);
  return worker;
}

void ProcessPool::serve() {
  epoll_event events[most_events];
  while (true) {
    const int count = epoll_wait(epoll_, events, most_events, milliseconds_to_sleep());
    for (int i = 0; i < count; ++i) {
      if (events[i].data.ptr == nullptr) {
        std::uint64_t wakes = 0;
        (void)!read(wake_fd_, &wakes, sizeof wakes);
        continue;
      }
      look_after(*static_cast<WorkerProcess*>(events[i].data.ptr));
    }
    run_jobs();
    keep_time();
    forget_the_dead();
  }
}

void ProcessPool::look_after(WorkerProcess& worker) {
  worker.output().drain(false);
  const bool listens = worker.notices().drain();
  if (worker.has_ended()) return worker_ended(worker);
  // One that has closed its end, or its output, is about to end; it is looked at again then.
  if (listens && !worker.output().closed()) return;
  for (const int fd : worker.descriptors()) {
    if (fd != worker.pid_descriptor()) epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  }
}

void ProcessPool::worker_ended(WorkerProcess& worker) {
  for (const int fd : worker.descriptors()) epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  bool settle = false;
  {
    const std::lock_guard<SpinMutex> hold(mutex_);
    Member& member = *find(worker);
    if (std::exchange(member.ended, true)) return;
    acquit(member);
    settle = member.leased;
    if (settle) unsettled_.fetch_add(1);
  }
  if (!settle) return;
  interrupt();
  if (!led_.load()) watch();
}

void ProcessPool::keep_time() {
  const auto now = Clock::now();
  const std::lock_guard<SpinMutex> hold(mutex_);
  keep_memory(now);
  for (const auto& member : state_.members) {
    WorkerProcess& worker = *member->worker;
    if (member->ended) continue;
    if (member->kill_time && now >= *member->kill_time) {
      worker.kill(member->kill_reason);
      acquit(*member);
    }
    const bool idle = !member->leased && !member->leaving;
    if (idle && now - worker.idle_since >= state_.idle_timeout) dismiss(*member);
    if (!member->leased) continue;
    const auto deadline = worker.task_deadline();
    if (deadline && now >= *deadline) {
      worker.kill("task_timeout: the task ran longer than " +
                  seconds_of(*worker.call().task_timeout) + " s");
    }
  }
}

// Under the lock. Memory that is shared with others is not a worker's own.
void ProcessPool::keep_memory(Clock::time_point now) {
  if (state_.memory_limit == 0 || now < state_.memory_look) return;
  state_.memory_look = now + time_between_looks_at_limits;
  for (const auto& member : state_.members) {
    if (member->ended || !member->leased || member->over_memory) continue;
    const std::size_t bytes = member->worker->resident_bytes();
    if (bytes <= state_.memory_limit) continue;
    member->over_memory = true;
    member->worker->kill("memory: it took " + megabytes_of(bytes) + " MB, and may take " +
                         megabytes_of(state_.memory_limit));
    over_memory_.fetch_add(1);
  }
}

int ProcessPool::milliseconds_to_sleep() {
  const auto now = Clock::now();
  std::optional<Clock::time_point> next;
  const auto not_after = [&](Clock::time_point time) {
    if (!next || time < *next) next = time;
  };
  {
    const std::lock_guard<SpinMutex> hold(mutex_);
    for (const auto& member : state_.members) {
      const WorkerProcess& worker = *member->worker;
      if (member->ended) continue;
      if (member->kill_time) not_after(*member->kill_time);
      if (member->leased && state_.memory_limit != 0) not_after(state_.memory_look);
      if (!member->leased && !member->leaving) not_after(worker.idle_since + state_.idle_timeout);
      // A task that begins meanwhile has all of its time before it.
      if (member->leased && worker.call().task_timeout)
        not_after(worker.task_deadline().value_or(now + *worker.call().task_timeout));
    }
  }
  sleeps_until_.store(next.value_or(Clock::time_point::max()), std::memory_order_relaxed);
  if (!next) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
}

void ProcessPool::forget_the_dead() {
  std::vector<std::unique_ptr<Member>> dead;
  const std::lock_guard<SpinMutex> hold(mutex_);
  auto& members = state_.members;
  for (auto& member : members) {
    if (member->ended && !member->leased) dead.push_back(std::move(member));
  }
  std::erase(members, nullptr);
}

}  // namespace paracord::detail
