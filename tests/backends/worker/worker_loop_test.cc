// A worker's loop by itself, in a thread of the test.

#include "paracord/backends/worker/worker_loop.h"
#include "paracord/backends/worker/shared_futex.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "paracord/core/delayed.h"

namespace paracord::detail {
namespace {

int twice(int x) {
  return 2 * x;
}

// Never taken down: run() does not return.
struct Loop {
  Loop() : channel(*new Channel), bell(*new Doorbell) {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    Hello hello;
    hello.max_nbytes = 1 << 20;
    auto* loop = new WorkerLoop(channel, bell, ends[1], hello);
    to = RingWriter<task_unit>(&channel.tasks, channel.task_ring, ring_bytes);
    from = RingReader<result_unit>(&channel.results, channel.result_ring, ring_bytes);
    std::thread([loop] { loop->run(); }).detach();
  }
  void send(ToWorker kind, const Encoder& body) {
    std::memcpy(to.reserve(body.size(), static_cast<std::uint32_t>(kind)), body.data(),
                body.size());
    to.publish_first();
    if (channel.worker_sleeps.exchange(0) != 0) shared_futex_wake(channel.worker_sleeps);
  }
  RingReader<result_unit>::Record next() {
    RingReader<result_unit>::Record record{};
    while (!from.next(record)) std::this_thread::yield();
    return record;
  }
  Channel& channel;
  Doorbell& bell;
  RingWriter<task_unit> to;
  RingReader<result_unit> from;
};

TEST(WorkerLoop, RunsABatchAndTellsItsEnd) {
  Loop loop;
  Encoder task;
  delayed<twice>(21).encode(task);
  const ModuleName name = module_of(Decoder(task.data(), task.size()).get<std::uint64_t>());
  Encoder module;
  module.put(name.number);
  module.put(name.device);
  module.put(name.inode);
  module.put(name.digest);
  encode(module, name.path);
  loop.channel.states[3].store(BatchState::sent);
  Encoder batch;
  BatchHead head{};
  head.slot = 3;
  head.count = 1;
  batch.put(head);
  batch.put(static_cast<std::uint64_t>(task.size()));
  batch.write(task.data(), task.size());
  loop.send(ToWorker::module, module);
  loop.send(ToWorker::batch, batch);

  const auto result = loop.next();
  ASSERT_EQ(static_cast<FromWorker>(result.kind), FromWorker::result);
  Decoder in(result.body, result.bytes);
  EXPECT_EQ(in.get<ResultHead>().slot, 3u);
  EXPECT_EQ(in.get<int>(), 42);
  const auto end = loop.next();
  ASSERT_EQ(static_cast<FromWorker>(end.kind), FromWorker::batch_ends);
  EXPECT_EQ(Decoder(end.body, end.bytes).get<BatchEnd>().index, 1u);
}

// What a caller in disorder sends ends the worker, whose parent then knows why.
struct Nonsense : testing::Test {
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  template <class Send>
  static void expect_end(Send send) {
    EXPECT_EXIT(
        {
          Loop loop;
          send(loop);
          while (true) pause();
        },
        testing::ExitedWithCode(nonsense_exit_code), "make no sense");
  }
  static void send_batch(Loop& loop, std::uint32_t slot, std::uint64_t task_bytes) {
    Encoder batch;
    BatchHead head{};
    head.slot = slot;
    head.count = 1;
    batch.put(head);
    batch.put(task_bytes);
    loop.send(ToWorker::batch, batch);
  }
};

TEST_F(Nonsense, OfAnUnknownKindEndsTheWorker) {
  expect_end([](Loop& loop) {
    Encoder body;
    body.put(1);
    loop.send(static_cast<ToWorker>(99), body);
  });
}

TEST_F(Nonsense, SlotsThatThereAreNotEndTheWorker) {
  expect_end([](Loop& loop) { send_batch(loop, batch_slots, 8); });
  expect_end([](Loop& loop) { send_batch(loop, 4, 8); });  // nothing was sent in it
}

TEST_F(Nonsense, TasksBehindTheirBatchEndTheWorker) {
  expect_end([](Loop& loop) {
    loop.channel.states[2].store(BatchState::sent);
    send_batch(loop, 2, 1 << 20);
  });
}

TEST_F(Nonsense, BatchesTooShortForTheirHeadEndTheWorker) {
  expect_end([](Loop& loop) {
    Encoder body;
    body.put(1);
    loop.send(ToWorker::large_batch, body);
  });
}

TEST_F(Nonsense, PositionsBeyondTheRingEndTheWorker) {
  expect_end([](Loop& loop) {
    loop.channel.tasks.written.store(ring_bytes + 4096);
    loop.channel.worker_sleeps.store(0);
    shared_futex_wake(loop.channel.worker_sleeps);
  });
}

TEST(Ring, IsBrokenWhereItsPositionsContradictEachOther) {
  RingState state;
  alignas(64) std::byte data[1024];
  RingWriter<16> to(&state, data, sizeof data);
  RingReader<16> from(&state, data, sizeof data);
  RingReader<16>::Record record{};
  state.written.store(4096);
  EXPECT_FALSE(from.next(record));
  EXPECT_TRUE(from.is_broken());
  state.written.store(16);
  EXPECT_FALSE(from.next(record));  // for good
  state.read.store(4096);
  EXPECT_EQ(to.free_bytes(), 0u);
  EXPECT_EQ(to.reserve(16, 1), nullptr);
  EXPECT_TRUE(to.is_broken());
}

TEST(Ring, PassesOnNoRecordThatLeadsOutOfIt) {
  for (const std::uint32_t bytes : {65u, 0x7fffffffu, 0xffffffffu}) {
    RingState state;
    alignas(64) std::byte data[1024]{};
    const RecordHead head{bytes, 1};
    std::memcpy(data, &head, sizeof head);
    state.written.store(80);
    RingReader<16> from(&state, data, sizeof data);
    RingReader<16>::Record record{};
    EXPECT_FALSE(from.next(record));
    EXPECT_TRUE(from.is_broken());
  }
}

TEST(Ring, KeepsRecordsWholeAcrossItsEnd) {
  RingState state;
  alignas(64) std::byte data[1024];
  RingWriter<16> to(&state, data, sizeof data);
  RingReader<16> from(&state, data, sizeof data);
  for (std::uint32_t round = 1; round != 500; ++round) {
    const std::size_t size = 1 + round * 37 % 300;
    std::byte* place = to.reserve(size, round);
    ASSERT_NE(place, nullptr);
    std::memset(place, static_cast<int>(round & 0xff), size);
    EXPECT_TRUE(from.empty());
    to.publish();
    RingReader<16>::Record record{};
    ASSERT_TRUE(from.next(record));
    EXPECT_EQ(record.kind, round);
    ASSERT_EQ(record.bytes, size);
    EXPECT_EQ(record.body[size - 1], static_cast<std::byte>(round & 0xff));
    from.free_until(record.end);
  }
}

TEST(Ring, HasNoRoomBeforeSomeIsFreed) {
  RingState state;
  alignas(64) std::byte data[256];
  RingWriter<16> to(&state, data, sizeof data);
  while (to.reserve(40, 1) != nullptr) {
  }
  to.publish();
  RingReader<16> from(&state, data, sizeof data);
  RingReader<16>::Record record{};
  ASSERT_TRUE(from.next(record));
  EXPECT_EQ(to.reserve(40, 1), nullptr);
  from.free_until(record.end);
  EXPECT_NE(to.reserve(40, 1), nullptr);
}

}  // namespace
}  // namespace paracord::detail
