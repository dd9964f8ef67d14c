#include "memory_monitor.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "process_tree.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto interval = std::chrono::milliseconds(20);
// The kernel counts page by page: with gigabytes a look takes long, and what is watched would wait.
constexpr int rest_per_look = 4;

}  // namespace

MemoryMonitor::MemoryMonitor(std::size_t base)
    : start_(Clock::now()),
      base_(base),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

std::vector<MemorySample> MemoryMonitor::stop() {
  thread_.request_stop();
  thread_.join();
  sample();
  return std::move(samples_);
}

void MemoryMonitor::sample() {
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  samples_.push_back(
      {seconds, static_cast<double>(process_tree_bytes()) - static_cast<double>(base_)});
}

void MemoryMonitor::run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  Clock::duration rest{};
  while (!stopped.wait_for(lock, stop, rest, [&] { return stop.stop_requested(); })) {
    const auto began = Clock::now();
    sample();
    rest = std::max<Clock::duration>(interval, rest_per_look * (Clock::now() - began));
  }
}

double peak_bytes(const std::vector<MemorySample>& samples) {
  return std::ranges::max(samples, {}, &MemorySample::bytes).bytes;
}
