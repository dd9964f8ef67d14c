#include "paracord/testkit/recorder.h"

#include <algorithm>
#include <utility>

#include "paracord/core/delayed.h"
#include "paracord/core/remote_tasks.h"

namespace paracord::testkit {

class Recorder::Work final : public BatchWork, public RemoteTasks {
 public:
  Work(Recorder& recorder, std::function<void()> work, std::function<void()> when_done, bool waits)
      : recorder_(recorder),
        work_(std::move(work)),
        when_done_(std::move(when_done)),
        waits_(waits) {}

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
    if (waits_) recorder_.book_->wait_at_gate();
    {
      const std::lock_guard lock(recorder_.mutex_);
      ended_ = true;
      ++recorder_.counts_.ended;
      --recorder_.counts_.running;
    }
    recorder_.changed_.notify_all();
  }

  RemoteTasks* elsewhere() noexcept override { return this; }
  bool timed() const override { return false; }
  bool stopped() const override { return false; }
  bool encode(std::size_t, Encoder& out) noexcept override {
    delayed<keep_book>(SharedBook::path_of(*recorder_.book_), waits_).encode(out);
    return true;
  }
  void succeeded(std::size_t, Decoder&, const RemoteRun&) noexcept override {
    const std::lock_guard lock(recorder_.mutex_);
    recorder_.counts_.run_twice += std::exchange(begun_, true);
    ended_ = true;
  }
  Verdict threw(std::size_t, Decoder&, const RemoteRun&) noexcept override { return Verdict::over; }
  Verdict failed(std::size_t, std::exception_ptr, const RemoteRun&) noexcept override {
    return Verdict::over;
  }
  void measured(std::size_t, std::chrono::nanoseconds) noexcept override {}

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
  const bool waits_;
  bool begun_ = false, ended_ = false, completed_ = false;  // under the recorder's lock
};

Recorder::Recorder(std::chrono::seconds patience)
    : patience_(patience), book_(SharedBook::make()) {}
Recorder::~Recorder() = default;

void Recorder::completed(void*, void* work, Status status) noexcept {
  static_cast<Work*>(work)->complete(status);
}

Recorder::Made Recorder::make(std::function<void()> work, std::function<void()> when_done) {
  return make(std::move(work), std::move(when_done), false);
}

Recorder::Made Recorder::make_waiting() {
  return make({}, {}, true);
}

Recorder::Made Recorder::make(std::function<void()> work, std::function<void()> when_done,
                              bool waits) {
  const std::lock_guard lock(mutex_);
  ++counts_.made;
  works_.push_back(std::make_unique<Work>(*this, std::move(work), std::move(when_done), waits));
  Work& made = *works_.back();
  return {Batch(made), OnDone(&completed, this, &made)};
}

void Recorder::open_gate() {
  book_->gate_open = 1;
}

Recorder::Counts Recorder::with_those_elsewhere(Counts counts) const {
  counts.begun += book_->begun;
  counts.ended += book_->ended;
  counts.running += book_->running;
  counts.most_running = std::max(counts.most_running, book_->most_running.load());
  return counts;
}

Recorder::Counts Recorder::counts() {
  const std::lock_guard lock(mutex_);
  return with_those_elsewhere(counts_);
}

bool Recorder::wait_within(std::chrono::milliseconds patience,
                           const std::function<bool(const Counts&)>& holds) {
  constexpr auto between_looks = std::chrono::milliseconds(1);  // at what happens elsewhere
  const auto end = std::chrono::steady_clock::now() + patience;
  std::unique_lock lock(mutex_);
  while (!holds(with_those_elsewhere(counts_))) {
    if (std::chrono::steady_clock::now() >= end) return false;
    changed_.wait_for(lock, between_looks);
  }
  return true;
}

}  // namespace paracord::testkit
