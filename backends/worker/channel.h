#pragma once

#include <sched.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "paracord/backends/worker/ring.h"
#include "paracord/core/encoder.h"

/// The memory through which a worker process and its parent talk, and what they say.
///
/// Tasks go to the worker in one ring and results come back in another. A batch that was sent is
/// still its sender's until the worker has begun it; the state of its slot says whose it is. So
/// batches can be sent ahead, and be taken back.
namespace paracord::detail {

inline constexpr std::size_t batch_slots = 16;
inline constexpr std::size_t ring_bytes = std::size_t{512} << 10;
/// A larger message goes through shared memory of its own.
inline constexpr std::size_t largest_inline_message = std::size_t{24} << 10;
inline constexpr std::size_t task_unit = Encoder::memory_alignment;
inline constexpr std::size_t result_unit = 16;

enum class BatchState : std::uint32_t {
  free,
  sent,        ///< not begun
  taken_back,  ///< by the parent, before the worker has begun it
  running,     ///< the worker has begun it
  asked_back   ///< by the parent: the worker ends it after the task that it runs
};

/// How a worker process ends whose parent sends what makes no sense.
inline constexpr int nonsense_exit_code = 4;

/// Rung by workers when there is something to read, slept on by whoever collects results.
struct Doorbell {
  alignas(64) std::atomic<std::uint32_t> rings{0};
  alignas(64) std::atomic<std::uint32_t> sleeps{0};
};

struct Channel {
  RingState tasks, results;
  alignas(64) std::atomic<std::uint32_t> worker_sleeps{0};
  alignas(64) std::atomic<std::uint32_t> worker_wants_room{0};  // in the ring of results
  alignas(64) std::array<std::atomic<BatchState>, batch_slots> states{};
  std::atomic<std::uint32_t> stop{0};  // slots whose running task is asked to end, a bit each
  // What the worker is doing: slot << 32 | place in the batch + 1; 0: nothing.
  alignas(64) std::atomic<std::uint64_t> running{0};
  std::atomic<std::int64_t> started{0};  // when, on the steady clock; where tasks are timed
  std::atomic<std::uint32_t> ready{0};   // the worker has begun to listen
  alignas(64) std::byte task_ring[ring_bytes];
  std::byte result_ring[ring_bytes];
};

/// Kinds of records to the worker.
enum class ToWorker : std::uint32_t {
  nothing,
  batch,        ///< BatchHead, then for each task its size (u64; see padding_shift) and what
                ///< Delayed::encode wrote
  large_batch,  ///< BatchHead, then by reference the same once more with all tasks: bytes (u64),
                ///< file (u32), offset (u64); only for whom has begun the batch is the memory its
                ///< own
  module,       ///< a ModuleName
  initializer,  ///< id (u64), then a task
  release       ///< file (u32), offset (u64): as often as there are
};

/// Kinds of records from it; each begins with a ResultHead.
enum class FromWorker : std::uint32_t {
  nothing,
  result,        ///< then what the function returned; for a relay also where that refers to memory:
                 ///< the places (u64 each) and their number (u64)
  error,         ///< then what encode_current_exception() wrote
  large_result,  ///< by reference: bytes (u64), file (u32), offset (u64)
  large_error,
  written_result,        ///< bytes (u64) of what the task wrote, that, and the result: see Drafts
  large_written_result,  ///< the same by reference
  batch_ends,            ///< BatchEnd
  trouble                ///< a module or the initializer failed: the worker is of no use any more
};

struct BatchHead {
  std::uint32_t slot;
  std::uint32_t first;  ///< place of its first task in the caller's batch
  std::uint32_t count;
  std::int32_t worker;  ///< this_worker().index
  std::int32_t attempt;
  std::int32_t nesting_level;
  std::uint32_t timed;    ///< the run times of single tasks are wanted
  std::uint32_t drafts;   ///< what they write goes to the caller with their results, not before
  std::uint32_t at_once;  ///< each result is told of before the next task begins
  std::uint32_t unused;
  std::array<std::uint64_t, 2> assignment;  ///< in a cluster
};

/// What stands before each task: its size, and in the highest byte how far behind this it begins.
inline constexpr int padding_shift = 56;

struct ResultHead {
  std::uint32_t slot;
  std::uint32_t index;  ///< in the caller's batch
  std::int64_t started, ended;
};

struct BatchEnd {
  std::uint32_t slot;
  std::uint32_t index;  ///< of the first task that was not begun
  std::int64_t ran;     ///< ns, of all that were
  std::int64_t unused = 0;
};

/// What a worker is told when it starts, together with descriptors of the channel and the doorbell
/// and a pipe for its last words.
struct Hello {
  static constexpr std::uint64_t right = 0x31424b5750524305;
  std::uint64_t magic = right;
  std::int32_t parent = 0;
  std::uint32_t max_workers = 0;
  std::uint64_t max_nbytes = 0;
  std::uint64_t relays = 0;  ///< the parent passes results on: they name where they refer to memory
  cpu_set_t cpus{};
  char nested_backend[32]{};
};

/// Descriptors, over the socket between the two.
struct FileNotice {
  std::uint32_t number;
};

/// Sends `bytes` and descriptors as one packet; false: the other end is gone.
bool send_with_descriptors(int socket, const void* data, std::size_t bytes, const int* descriptors,
                           int count);
/// Receives one packet. Returns its size, 0 at the end, -1 where none is there and the socket does
/// not wait. Descriptors are set to -1 where fewer came.
long receive_with_descriptors(int socket, void* data, std::size_t bytes, int* descriptors,
                              int count);

}  // namespace paracord::detail
