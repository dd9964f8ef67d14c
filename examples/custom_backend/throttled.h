#pragma once

#include <paracord/core/backend.h>
#include <paracord/core/registry.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

/// A backend with threads of its own at low priority (nice 10): for work beside an interactive
/// program, which the shared pool would disturb.
class ThrottledBackend final : public paracord::ParallelBackendBase {
 public:
  ~ThrottledBackend() override { terminate(); }

  paracord::Capabilities capabilities() const override { return {.shared_memory = true}; }

  paracord::Configured configure(const paracord::CallSettings& settings) override {
    const int workers = effective_n_jobs(settings.n_jobs);
    for (int i = static_cast<int>(threads_.size()); i < workers; ++i)
      threads_.emplace_back([this] { work(); });
    return {.workers = workers,
            .status = paracord::BackendOptions::refuse(settings.backend_options)};
  }

  void submit(paracord::Batch batch, paracord::OnDone on_done) override {
    const std::lock_guard lock(mutex_);
    queue_.emplace_back(std::move(batch), std::move(on_done));
    changed_.notify_one();
  }

  void abort() override {
    std::unique_lock lock(mutex_);
    Queue dropped = std::exchange(queue_, {});
    lock.unlock();
    for (auto& [batch, on_done] : dropped) on_done({paracord::StatusCode::cancelled, "aborted"});
  }

  void terminate() override {
    std::unique_lock lock(mutex_);
    stop_ = true;
    lock.unlock();
    changed_.notify_all();
    threads_.clear();  // joins
  }

 private:
  using Queue = std::deque<std::pair<paracord::Batch, paracord::OnDone>>;
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  Queue queue_;
  bool stop_ = false;
  std::vector<std::jthread> threads_;
};
