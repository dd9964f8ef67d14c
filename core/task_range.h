#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>

#include "paracord/core/asymmetric_fence.h"
#include "paracord/core/encoder.h"
#include "paracord/core/print_argument.h"

/// Where templates end and compiled code begins: the tasks of one call, and their results, as
/// memory that a virtual interface knows how to treat.
namespace paracord::detail {

inline constexpr std::size_t unknown_size = static_cast<std::size_t>(-1);

/// Of a result that a reader takes by itself.
enum class ResultState : std::uint8_t { pending, made, missing, taken };

/// Room for consecutive tasks of a call, and for their results.
struct Slots {
  void* tasks = nullptr;    ///< task objects; unused where the range is concurrent
  void* results = nullptr;  ///< results, each made when its task has run
  std::size_t first_index = 0;
  std::size_t count = 0;
  std::atomic<bool> attention{
      false};  ///< whoever runs the tasks shall look up after the current one; stays so
  /// Where run() says of each result that it is there; null: nobody looks before all are.
  std::atomic<ResultState>* states = nullptr;
  /// Results came since the reader has looked; false: it wants to be told of the next one.
  std::atomic<bool> waits_for_reader{false};
  /// The result is there. Returns false where the reader wants to be told of it.
  bool publish(std::size_t index) {
    states[index].store(ResultState::made, std::memory_order_release);
    quick_side_fence();
    return waits_for_reader.load(std::memory_order_relaxed);
  }
};

struct Layout {
  std::size_t task_size, task_alignment;
  std::size_t result_size, result_alignment;
  bool copyable;      ///< tasks can run twice
  bool results_grow;  ///< a result may hold more memory than its own size
};

/// The tasks of one call. Knows the user's types; knows nothing of scheduling.
///
/// Threads: pull() one at a time; the rest from any thread, for slots that this thread has claimed.
/// Errors: pull() passes on what the user's range throws, run() and run_one() what the task throws.
class TaskRange {
 public:
  virtual ~TaskRange() = default;
  virtual Layout layout() const = 0;
  virtual std::size_t size() const = 0;  ///< of the whole range, or unknown_size
  virtual bool concurrent()
      const = 0;  ///< tasks are made where they run, from their index: no pull()

  /// Makes up to `count` tasks in empty slots, counting them in `slots.count`. Returns whether the
  /// range has ended.
  virtual bool pull(Slots& slots, std::size_t count) = 0;

  /// Runs tasks from slot `index` up to `end` and destroys them, until the slots want attention.
  /// With `states`, each result is published before the next task begins; it returns, too, where
  /// publish() says that the reader wants to be told.
  /// `index` is the slot being run, or the one to be run next: other threads read it. It is stored
  /// before the attention is read, with quick_side_fence() in between.
  virtual void run(Slots& slots, std::size_t& index, std::size_t end) = 0;

  /// Runs one task (or a copy of it) and leaves it in its slot.
  virtual void run_one(Slots& slots, std::size_t index, bool copy) = 0;

  virtual void destroy_task(Slots& slots, std::size_t index) = 0;
  virtual void destroy_result(Slots& slots, std::size_t index) = 0;
  virtual std::size_t result_bytes(const Slots& slots, std::size_t index) const = 0;
  virtual TaskText text(const Slots& slots, std::size_t index) const = 0;

  /// For tasks that run elsewhere. Why none of them can; empty where they can, or each has to be
  /// asked.
  virtual std::string why_bound_here() const = 0;
  /// Writes the task, which stays in its slot. Throws SerializationError, and what codecs throw.
  virtual void encode(const Slots& slots, std::size_t index, Encoder& out) const = 0;
  /// Makes the result from what the task's function returned elsewhere.
  virtual void decode_result(Slots& slots, std::size_t index, Decoder& in) = 0;
};

/// Which results of a block do not exist, and why; the usual block has none.
class Gaps {
 public:
  virtual bool missing(std::size_t index) const = 0;
  virtual std::exception_ptr error(std::size_t index) const = 0;

 protected:
  ~Gaps() = default;
};

/// Takes the results of finished blocks, in order, on the caller's thread.
class Collector {
 public:
  virtual ~Collector() = default;
  /// The number of results to come; not called where it is unknown.
  virtual void expect(std::size_t count) = 0;
  /// Where the results from `first_index` on shall be made; null: in the block, collect() takes
  /// them over.
  virtual void* place(std::size_t first_index) = 0;
  virtual void collect(Slots& slots, const Gaps* gaps) = 0;
};

}  // namespace paracord::detail
