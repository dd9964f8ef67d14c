// Workers whose shared memory was overwritten, as a stray pointer of a task does: whatever comes
// out of it, the caller's process is not harmed, and the other tasks run elsewhere.

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <string>

#include "paracord/backends/worker/channel.h"
#include "paracord/backends/worker/shared_futex.h"
#include "paracord/tests/backends/processes/process_tasks.h"

namespace paracord::process_tests {
namespace {

using namespace detail;

enum class Nonsense {
  unknown_kind,
  unknown_slot,
  empty_slot,
  another_task,
  no_body,
  body_beyond_the_ring,
  written_beyond_the_ring,
  written_backwards,
  read_beyond,
  early_end,
  end_of_unknown_slot,
  result_twice,
  reference_to_nowhere,
  writes_to_anywhere
};

// Memory that this worker shares with its parent, by the name of its file.
template <class T>
T& own(const std::string& name) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/memfd:" + name) != std::string::npos)
      return *reinterpret_cast<T*>(std::stoull(line.substr(0, line.find('-')), nullptr, 16));
  }
  throw std::logic_error("this worker has no " + name);
}

template <class... Parts>
void put(RingWriter<result_unit>& to, FromWorker kind, const Parts&... parts) {
  std::byte* place = to.reserve((sizeof parts + ... + 0), static_cast<std::uint32_t>(kind));
  ((std::memcpy(place, &parts, sizeof parts), place += sizeof parts), ...);
  to.publish();
}

void send(Nonsense what) {
  auto& channel = own<Channel>("paracord-channel");
  RingWriter<result_unit> to(&channel.results, channel.result_ring, ring_bytes);
  const std::uint64_t running = channel.running.load();
  const auto slot = static_cast<std::uint32_t>(running >> 32);
  const auto index = static_cast<std::uint32_t>(running) - 1;
  const auto beyond = std::uint64_t{ring_bytes} + 4096;
  switch (what) {
    case Nonsense::unknown_kind:
      return put(to, static_cast<FromWorker>(77), ResultHead{slot, index, 0, 0});
    case Nonsense::unknown_slot:
      return put(to, FromWorker::result, ResultHead{batch_slots + 5, index, 0, 0}, 1);
    case Nonsense::empty_slot:
      return put(to, FromWorker::result, ResultHead{batch_slots - 1, index, 0, 0}, 1);
    case Nonsense::another_task:
      return put(to, FromWorker::result, ResultHead{slot, index + 1, 0, 0}, 1);
    case Nonsense::no_body:
      return put(to, FromWorker::result);
    case Nonsense::body_beyond_the_ring: {
      const RecordHead head{0xfffffff0, static_cast<std::uint32_t>(FromWorker::result)};
      const std::uint64_t at = channel.results.written.load();
      std::memcpy(channel.result_ring + at % ring_bytes, &head, sizeof head);
      channel.results.written.store(at + 64);
      return;
    }
    case Nonsense::written_beyond_the_ring:
      channel.results.written.fetch_add(beyond);
      return;
    case Nonsense::written_backwards:
      channel.results.written.store(0);
      channel.results.written.fetch_sub(64);
      return;
    case Nonsense::read_beyond:
      channel.tasks.read.fetch_add(beyond);
      return;
    case Nonsense::early_end:
      return put(to, FromWorker::batch_ends, BatchEnd{slot, index, 0});
    case Nonsense::end_of_unknown_slot:
      return put(to, FromWorker::batch_ends, BatchEnd{0xffffffff, index, 0});
    case Nonsense::result_twice:
      put(to, FromWorker::result, ResultHead{slot, index, 0, 0}, 1);
      return put(to, FromWorker::result, ResultHead{slot, index, 0, 0}, 1);
    case Nonsense::reference_to_nowhere:
      return put(to, FromWorker::large_result, ResultHead{slot, index, 0, 0}, std::uint64_t{5000},
                 std::uint32_t{123456}, std::uint64_t{0});
    case Nonsense::writes_to_anywhere: {
      // One run of eight bytes, to an address that was never given to the task.
      struct {
        std::uint64_t behind = 48, runs = 1, address = 0x1000, blocks = 1, mask = 0xff, value = 1;
      } written;
      std::byte* place = to.reserve(sizeof(ResultHead) + sizeof written + sizeof(int),
                                    static_cast<std::uint32_t>(FromWorker::written_result));
      const ResultHead about{slot, index, 0, 0};
      const int result = 1;
      const auto write = [&](const void* data, std::size_t size) {
        std::memcpy(place, data, size);
        place += size;
      };
      write(&about, sizeof about);
      write(&written, sizeof written);
      write(&result, sizeof result);
      to.publish();
      return;
    }
  }
}

constexpr int bad_task = 5;

int sends_nonsense(int i, Nonsense what) {
  if (i != bad_task) return i + 1;
  send(what);
  auto& bell = own<Doorbell>("paracord-doorbell");
  bell.rings.fetch_add(1);
  shared_futex_wake(bell.rings);
  while (true) pause();  // until it is killed
}

struct FromAWorker : testing::TestWithParam<Nonsense> {};

TEST_P(FromAWorker, CostsItsTaskOnly) {
  const Nonsense what = GetParam();
  ParallelOptions options = processes();
  options.batch_size = bad_task + 1;  // the last of its batch: nothing of it can be asked for
  Parallel parallel(options);
  const auto outcomes =
      parallel.outcomes(tasks(40, [&](int i) { return delayed<sends_nonsense>(i, what); }));
  for (int i = 0; i != 40; ++i) {
    const auto& outcome = outcomes[static_cast<std::size_t>(i)];
    if (i != bad_task) {
      ASSERT_TRUE(outcome.has_value()) << i << ": " << text_of(outcome.error());
      EXPECT_EQ(outcome.value(), i + 1);
    } else if (what != Nonsense::result_twice) {
      ASSERT_FALSE(outcome.has_value());
      EXPECT_TRUE(is_a<WorkerLostError>(outcome.error())) << text_of(outcome.error());
      EXPECT_NE(text_of(outcome.error()).find("make no sense"), std::string::npos)
          << text_of(outcome.error());
    }
  }
  expect_usable(parallel);
}

std::vector<Nonsense> kinds() {
  std::vector<Nonsense> kinds = {Nonsense::unknown_kind,
                                 Nonsense::unknown_slot,
                                 Nonsense::empty_slot,
                                 Nonsense::another_task,
                                 Nonsense::no_body,
                                 Nonsense::body_beyond_the_ring,
                                 Nonsense::written_beyond_the_ring,
                                 Nonsense::written_backwards,
                                 Nonsense::early_end,
                                 Nonsense::end_of_unknown_slot,
                                 Nonsense::result_twice,
                                 Nonsense::reference_to_nowhere};
  // A node passes on what only the client knows to be wrong.
  if (!tests_nodes()) kinds.push_back(Nonsense::writes_to_anywhere);
  return kinds;
}
INSTANTIATE_TEST_SUITE_P(Nonsense, FromAWorker, testing::ValuesIn(kinds()));

int claims_to_have_read(int i) {
  if (i == bad_task) send(Nonsense::read_beyond);
  return i + 1;
}

// The caller learns of it when it sends the next batch.
TEST(Nonsense, PositionsBeyondTheRingEndTheWorker) {
  ParallelOptions options = processes();
  options.batch_size = 1;
  options.retries = 3;
  Parallel parallel(options);
  const auto outcomes =
      parallel.outcomes(tasks(400, [&](int i) { return delayed<claims_to_have_read>(i); }));
  for (int i = 0; i != 400; ++i) {
    const auto& outcome = outcomes[static_cast<std::size_t>(i)];
    if (outcome.has_value()) {
      EXPECT_EQ(outcome.value(), i + 1);
    } else {
      EXPECT_TRUE(is_a<WorkerLostError>(outcome.error())) << text_of(outcome.error());
    }
  }
  expect_usable(parallel);
}

}  // namespace
}  // namespace paracord::process_tests
