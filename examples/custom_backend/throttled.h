#pragma once

#include <paracord/core/backend.h>
#include <sys/resource.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

/// Threads of its own at low priority: for work that shall not disturb an interactive program.
class ThrottledBackend final : public paracord::ParallelBackendBase {
 public:
  ~ThrottledBackend() override { terminate(); }
  paracord::Capabilities capabilities() const override { return {.shared_memory = true}; }

  paracord::Configured configure(const paracord::CallSettings& settings) override {
    const auto workers = static_cast<std::size_t>(effective_n_jobs(settings.n_jobs));
    while (threads_.size() < workers) threads_.emplace_back([this](auto stop) { work(stop); });
    return {.workers = static_cast<int>(workers),
            .status = paracord::BackendOptions::refuse(settings.backend_options)};
  }
  void submit(paracord::Batch batch, paracord::OnDone on_done) override {
    const std::lock_guard lock(mutex_);
    queue_.push_back({std::move(batch), std::move(on_done)});
    changed_.notify_one();
  }
  void abort() override {
    std::unique_lock lock(mutex_);
    auto dropped = std::exchange(queue_, {});
    lock.unlock();
    for (Item& item : dropped) item.on_done({paracord::StatusCode::cancelled, "aborted"});
  }
  void terminate() override {
    for (std::jthread& thread : threads_) thread.request_stop();
    threads_.clear();  // joins
  }

 private:
  struct Item {
    paracord::Batch batch;
    paracord::OnDone on_done;
  };
  void work(std::stop_token stop) {
    setpriority(PRIO_PROCESS, 0, 10);  // of this thread alone, on Linux
    for (std::unique_lock lock(mutex_);
         changed_.wait(lock, stop, [this] { return !queue_.empty(); }); lock.lock()) {
      Item item = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      item.batch.run();
      item.on_done();
    }
  }
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Item> queue_;
  std::vector<std::jthread> threads_;
};
