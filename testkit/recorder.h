#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "paracord/core/batch.h"
#include "paracord/testkit/shared_book.h"

namespace paracord::testkit {

/// Makes batches for a backend under test, and keeps book of what it does with them, in this
/// process or elsewhere.
///
/// Threads: any. Owns: the batches. A backend may call back late, so keep it by shared_ptr until
/// the end.
class Recorder : public std::enable_shared_from_this<Recorder> {
 public:
  /// `patience` is how long wait_until() waits.
  explicit Recorder(std::chrono::seconds patience);
  ~Recorder();

  struct Counts {
    int made = 0;
    int begun = 0;
    int ended = 0;
    int completed = 0;
    int completed_ok = 0;
    int completed_twice = 0;
    int run_twice = 0;
    int ok_without_run = 0;  ///< completed with an ok Status before run() had returned
    int running = 0;
    int most_running = 0;
  };

  /// A batch whose run() does `work`.
  struct Made {
    Batch batch;
    OnDone on_done;
  };
  Made make(std::function<void()> work = {}, std::function<void()> when_done = {});
  /// One whose run() waits at the gate, wherever that is.
  Made make_waiting();
  /// Lets those go on, also those that are still to come.
  void open_gate();

  Counts counts();
  /// Waits until `holds(counts)`; false when the patience is over.
  bool wait_until(const std::function<bool(const Counts&)>& holds) {
    return wait_within(patience_, holds);
  }
  /// The same, with another patience: for what should not happen.
  bool wait_within(std::chrono::milliseconds patience,
                   const std::function<bool(const Counts&)>& holds);

 private:
  class Work;
  static void completed(void* recorder, void* work, Status status) noexcept;

  Made make(std::function<void()> work, std::function<void()> when_done, bool waits);
  Counts with_those_elsewhere(Counts counts) const;

  const std::chrono::seconds patience_;
  const std::shared_ptr<SharedBook> book_;  // also for batches that outlive the recorder's rule
  std::mutex mutex_;
  std::condition_variable changed_;
  Counts counts_;
  std::deque<std::unique_ptr<Work>> works_;
};

}  // namespace paracord::testkit
