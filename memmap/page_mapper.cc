#include "paracord/memmap/page_mapper.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <system_error>
#include <utility>

namespace paracord::detail {

namespace {

constexpr int lowest_priority = 19;

// A new thread gets none of the program's signals.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

PageMapper::~PageMapper() {
  {
    const std::lock_guard hold(mutex_);
    ends_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void PageMapper::add(std::shared_ptr<Arena> arena, std::size_t offset, std::size_t bytes) {
  const std::size_t begin = (offset + Arena::chunk - 1) / Arena::chunk * Arena::chunk;
  const std::size_t end = (offset + bytes) / Arena::chunk * Arena::chunk;
  std::size_t next = begin;
  while (next < end && arena->is_mapped(next)) next += Arena::chunk;
  if (next >= end) return;
  const std::uint64_t drops = arena->drops();
  const std::lock_guard hold(mutex_);
  jobs_.push_back({std::move(arena), next, end, drops});
  try {
    const SignalsBlocked blocked;
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    return jobs_.clear();  // no more threads: the next copy takes its page faults
  }
  changed_.notify_one();
}

void PageMapper::run() {
  pthread_setname_np(pthread_self(), "paracord-pages");
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), lowest_priority);
  std::unique_lock hold(mutex_);
  while (true) {
    changed_.wait(hold, [this] { return ends_ || !jobs_.empty(); });
    if (ends_) return;
    Job& job = jobs_.front();  // only this thread takes one away
    hold.unlock();
    if (!job.arena->is_mapped(job.next) && !job.arena->map_chunk(job.next, job.drops)) {
      job.next = job.end;
    } else {
      job.next += Arena::chunk;
    }
    const std::shared_ptr<Arena> last_owner = job.next >= job.end ? job.arena : nullptr;
    hold.lock();
    if (job.next >= job.end) jobs_.pop_front();
  }
}

}  // namespace paracord::detail
