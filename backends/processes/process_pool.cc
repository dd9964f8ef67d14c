#include "paracord/backends/processes/process_pool.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "paracord/core/descriptors.h"
#include "paracord/core/fork.h"
#include "paracord/memmap/temp_folder.h"

namespace paracord::detail {

namespace {

// How long a worker that was told to end may take.
constexpr auto longest_leave = std::chrono::seconds(2);

}  // namespace

ProcessPool& ProcessPool::instance() {
  // Never destroyed: its threads run until the process ends, and its workers as long. The child of
  // a fork has neither: it gets another.
  static std::atomic<ProcessPool*> current{nullptr};
  static SpinMutex making;
  ProcessPool* pool = current.load(std::memory_order_acquire);
  if (pool != nullptr && !pool->is_an_ancestors()) return *pool;
  const std::lock_guard<SpinMutex> hold(making);
  pool = current.load(std::memory_order_acquire);
  if (pool != nullptr && !pool->is_an_ancestors()) return *pool;
  pool = new ProcessPool();
  current.store(pool, std::memory_order_release);
  return *pool;
}

ProcessPool::ProcessPool() : forks_(fork_count()) {
  bell_fd_ = moved_up(memfd_create("paracord-doorbell", MFD_CLOEXEC));
  if (bell_fd_ < 0 || ftruncate(bell_fd_, sizeof(Doorbell)) != 0)
    throw BackendUnavailable("processes: no shared memory for results to be told of");
  void* mapped = mmap(nullptr, sizeof(Doorbell), PROT_READ | PROT_WRITE, MAP_SHARED, bell_fd_, 0);
  if (mapped == MAP_FAILED)
    throw BackendUnavailable("processes: no shared memory for results to be told of");
  bell_ = ::new (mapped) Doorbell;
  open_service();
}

ProcessPool::Member* ProcessPool::find(const WorkerProcess& worker) {
  for (const auto& member : state_.members) {
    if (member->worker.get() == &worker) return member.get();
  }
  return nullptr;
}

WorkerHandle ProcessPool::lease(const WorkerSpec& spec, const WorkerProcess::Call& call) {
  {
    const std::lock_guard<SpinMutex> hold(mutex_);
    Member* chosen = nullptr;
    for (const auto& member : state_.members) {
      if (member->leased || member->leaving || member->ended || member->worker->spec() != spec)
        continue;
      // The one that has worked last: its memory is warm, and the others may retire.
      if (chosen == nullptr || member->worker->idle_since > chosen->worker->idle_since)
        chosen = member.get();
    }
    if (chosen != nullptr) {
      chosen->leased = true;
      chosen->worker->begin_call(call);
      changes_.fetch_add(1, std::memory_order_release);
      // Its tasks' time and memory are kept by the service, which may sleep for long.
      if (call.task_timeout || state_.memory_limit != 0) wake_service();
      return chosen->worker;
    }
  }
  WorkerHandle started;
  on_service_thread([&] { started = start(spec, call); });
  return started;
}

void ProcessPool::give_back(WorkerProcess& worker, bool fit) {
  // Nobody need wait for what it has still to pass over.
  if (worker.end_call()) interrupt();
  const std::lock_guard<SpinMutex> hold(mutex_);
  Member* found = find(worker);
  if (found == nullptr || !found->leased) return;
  Member& member = *found;
  member.leased = false;
  acquit(member);
  changes_.fetch_add(1, std::memory_order_release);
  if (member.ended) unsettled_.fetch_sub(1);
  if (!fit || worker.spoiled()) dismiss(member);
  const auto leaves = worker.idle_since + state_.idle_timeout;
  if (member.ended || !fit || leaves < sleeps_until_.load(std::memory_order_relaxed))
    wake_service();
}

void ProcessPool::kill_at(WorkerProcess& worker, Clock::time_point time, std::string reason) {
  const std::lock_guard<SpinMutex> hold(mutex_);
  Member* member = find(worker);
  if (member == nullptr || !member->leased) return;
  acquit(*member);
  condemned_.fetch_add(1);
  member->kill_time = time;
  member->kill_reason = std::move(reason);
  wake_service();
}

void ProcessPool::spare(WorkerProcess& worker) {
  if (condemned_.load(std::memory_order_relaxed) == 0) return;
  const std::lock_guard<SpinMutex> hold(mutex_);
  Member* member = find(worker);
  if (member == nullptr || !member->leased || !member->kill_time) return;
  acquit(*member);
}

// Under the lock.
void ProcessPool::acquit(Member& member) {
  if (!member.kill_time) return;
  member.kill_time.reset();
  condemned_.fetch_sub(1);
}

ArenaStore& ProcessPool::arenas(const std::optional<std::string>& temp_folder) {
  std::vector<std::string> folders = temp_folders(temp_folder);
  const std::lock_guard<SpinMutex> hold(mutex_);
  auto& store = state_.arenas[folders];
  if (store == nullptr) store = std::make_unique<ArenaStore>(std::move(folders));
  return *store;
}

void ProcessPool::retire(const std::function<bool(const WorkerSpec&)>& of_kind) {
  {
    const std::lock_guard<SpinMutex> hold(mutex_);
    for (const auto& member : state_.members) {
      if (!member->leased && of_kind(member->worker->spec())) dismiss(*member);
    }
  }
  wake_service();
}

void ProcessPool::set_idle_timeout(std::chrono::milliseconds timeout) {
  {
    const std::lock_guard<SpinMutex> hold(mutex_);
    if (std::exchange(state_.idle_timeout, timeout) == timeout) return;
  }
  wake_service();
}

void ProcessPool::limit_memory(std::size_t bytes_of_each) {
  {
    const std::lock_guard<SpinMutex> hold(mutex_);
    state_.memory_limit = bytes_of_each;
  }
  wake_service();
}

// It sees the end of its socket, and ends. One that does not is killed.
void ProcessPool::dismiss(Member& member) {
  if (member.leaving) return;
  member.leaving = true;
  member.worker->hang_up();
  condemned_.fetch_add(1);
  member.kill_time = Clock::now() + longest_leave;
}

}  // namespace paracord::detail
