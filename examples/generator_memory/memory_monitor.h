#pragma once

#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

/// The memory of this process and its descendants at one moment.
struct MemorySample {
  double seconds;  ///< since the monitor began
  double bytes;    ///< above the base
};

/// Looks at the memory from time to time, in a thread of its own, from its construction to stop().
///
/// Errors: std::runtime_error where the memory cannot be measured.
class MemoryMonitor {
 public:
  /// `base`: what process_tree_bytes() said before all that is to be compared.
  explicit MemoryMonitor(std::size_t base);
  /// What was seen, from the beginning to now. To be called once.
  std::vector<MemorySample> stop();

 private:
  void sample();
  void run(const std::stop_token& stop);

  const std::chrono::steady_clock::time_point start_;
  const std::size_t base_;
  std::vector<MemorySample> samples_;
  std::jthread thread_;  // last: it uses the rest
};

/// The largest of them.
double peak_bytes(const std::vector<MemorySample>& samples);
