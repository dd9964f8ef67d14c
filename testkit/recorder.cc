#include "paracord/testkit/recorder.h"

#include <algorithm>
#include <utility>

namespace paracord::testkit {

class Recorder::Work final : public BatchWork {
 public:
  Work(Recorder& recorder, std::function<void()> work, std::function<void()> when_done)
      : recorder_(recorder), work_(std::move(work)), when_done_(std::move(when_done)) {}

  std::size_t size() const override { return 1; }

  void run() noexcept override {
    {
      const std::lock_guard lock(recorder_.mutex_);
      Counts& counts = recorder_.counts_;
      ++counts.begun;
      counts.run_twice += std::exchange(begun_, true);
      counts.most_running = std::max(counts.most_running, ++counts.running);
    }
    recorder_.changed_.notify_all();
    if (work_) work_();
    {
      const std::lock_guard lock(recorder_.mutex_);
      ended_ = true;
      ++recorder_.counts_.ended;
      --recorder_.counts_.running;
    }
    recorder_.changed_.notify_all();
  }

  void complete(const Status& status) {
    {
      const std::lock_guard lock(recorder_.mutex_);
      Counts& counts = recorder_.counts_;
      counts.completed_twice += std::exchange(completed_, true);
      ++counts.completed;
      counts.completed_ok += status.ok();
      counts.ok_without_run += status.ok() && !ended_;
    }
    if (when_done_) when_done_();
    recorder_.changed_.notify_all();
  }

 private:
  Recorder& recorder_;
  const std::function<void()> work_, when_done_;
  bool begun_ = false, ended_ = false, completed_ = false;  // under the recorder's lock
};

Recorder::Recorder(std::chrono::seconds patience) : patience_(patience) {}
Recorder::~Recorder() = default;

void Recorder::completed(void*, void* work, Status status) noexcept {
  static_cast<Work*>(work)->complete(status);
}

Recorder::Made Recorder::make(std::function<void()> work, std::function<void()> when_done) {
  const std::lock_guard lock(mutex_);
  ++counts_.made;
  works_.push_back(std::make_unique<Work>(*this, std::move(work), std::move(when_done)));
  Work& made = *works_.back();
  return {Batch(made), OnDone(&completed, this, &made)};
}

Recorder::Counts Recorder::counts() {
  const std::lock_guard lock(mutex_);
  return counts_;
}

bool Recorder::wait_until(const std::function<bool(const Counts&)>& holds) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience_, [&] { return holds(counts_); });
}

void Gate::open() {
  {
    const std::lock_guard lock(mutex_);
    open_ = true;
  }
  changed_.notify_all();
}

void Gate::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return open_; });
}

}  // namespace paracord::testkit
