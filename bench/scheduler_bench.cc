// Group `cluster`, its rows of the scheduler alone: the state machine in memory, as fast as packets
// can be handed to it. Each batch goes its whole way: submitted, assigned, run, its results relayed
// and acknowledged.

#include "paracord/scheduler/scheduler.h"

#include <malloc.h>
#include <time.h>

#include <deque>
#include <unordered_map>

#include "paracord/bench/harness.h"

namespace paracord::bench {
namespace {

using namespace cluster;

constexpr const char* group = "cluster";
constexpr PeerId client = 1;
constexpr std::uint32_t slots = 4;

Bytes bytes(std::size_t count) {
  return std::make_shared<const std::string>(count, ' ');
}

// Everything around the scheduler: nodes that run what they get at once.
class Cluster {
 public:
  explicit Cluster(std::uint32_t nodes)
      : scheduler_({.queue_bytes = std::uint64_t{1} << 40}, 1), payload_(bytes(64)) {
    for (PeerId node = 2; node != nodes + 2; ++node) {
      NodeHello hello;
      hello.node = node;
      hello.slots = slots;
      say(node, Role::node, hello);
    }
    ClientHello hello;
    hello.client = hello.root = client;
    say(client, Role::client, hello);
    OpenCall call;
    call.call = 1;
    call.setup = payload_;
    say(client, Role::client, call);
    scheduler_.take_outgoing();
  }

  void submit(std::size_t count, const Bytes& payload) {
    Packet packet = next_packet(client);
    for (std::size_t i = 0; i != count; ++i)
      packet.messages.push_back(Submit{++last_batch_, 1, 1, 0, payload, {}});
    timed([&] { scheduler_.receive(client, Role::client, std::move(packet), now_); });
  }

  // What the scheduler says is answered, until it says nothing more.
  std::size_t run() {
    std::size_t done = 0;
    for (bool again = true; again;) {
      again = false;
      now_ += std::chrono::microseconds(10);
      std::vector<Outgoing> all;
      timed([&] { all = scheduler_.take_outgoing(); });
      for (const Outgoing& outgoing : all) {
        again = true;
        done += outgoing.peer == client ? acknowledge(outgoing) : work(outgoing);
      }
    }
    return done;
  }

  void run_all(std::size_t batches, std::size_t at_once) {
    for (std::size_t sent = 0; sent < batches; sent += at_once) {
      submit(at_once, payload_);
      run();
    }
  }

  // All slots are busy, and one node after the other ends one batch.
  void fill(std::size_t batches) {
    submit(batches, payload_);
    collect();
  }
  void run_steadily(std::size_t batches) {
    constexpr std::size_t at_once = 100;
    for (std::size_t i = 0; i != batches; ++i) {
      if (i % at_once == 0) submit(at_once, payload_);
      Outgoing next = std::move(running_.front());
      running_.pop_front();
      work(next);
      collect();
      now_ += std::chrono::microseconds(1);
    }
  }

  /// In the scheduler, without what is around it.
  double seconds_inside() const { return inside_; }

 private:
  template <class Work>
  void timed(const Work& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    inside_ += Seconds(std::chrono::steady_clock::now() - start).count();
  }
  Packet next_packet(PeerId peer) { return {1, ++sequences_[peer], {}}; }
  void say(PeerId peer, Role role, Message message) {
    Packet packet = next_packet(peer);
    packet.messages.push_back(std::move(message));
    scheduler_.receive(peer, role, std::move(packet), now_);
  }
  void collect() {
    for (Outgoing& outgoing : scheduler_.take_outgoing()) {
      if (outgoing.peer == client) {
        acknowledge(outgoing);
        continue;
      }
      for (Message& message : outgoing.packet.messages) {
        if (!std::holds_alternative<Assign>(message)) continue;
        running_.push_back({outgoing.peer, {}});
        running_.back().packet.messages.push_back(std::move(message));
      }
    }
  }
  std::size_t work(const Outgoing& outgoing) {
    Packet packet = next_packet(outgoing.peer);
    for (const Message& message : outgoing.packet.messages) {
      const auto* const assign = std::get_if<Assign>(&message);
      if (assign == nullptr) continue;
      const BatchId batch = assign->batch.batch;
      packet.messages.push_back(
          Results{client, batch, assign->attempt, outgoing.peer, {0}, payload_});
      packet.messages.push_back(BatchOver{client, batch, assign->attempt, 1, 1000, {}});
    }
    const std::size_t done = packet.messages.size() / 2;
    if (done == 0)
      --sequences_[outgoing.peer];
    else
      timed([&] { scheduler_.receive(outgoing.peer, Role::node, std::move(packet), now_); });
    return done;
  }
  std::size_t acknowledge(const Outgoing& outgoing) {
    Packet packet = next_packet(client);
    for (const Message& message : outgoing.packet.messages) {
      if (const auto* const results = std::get_if<Results>(&message))
        packet.messages.push_back(Acknowledge{results->node, results->attempt, results->tasks});
    }
    if (packet.messages.empty())
      --sequences_[client];
    else
      timed([&] { scheduler_.receive(client, Role::client, std::move(packet), now_); });
    return 0;
  }

  Scheduler scheduler_;
  Bytes payload_;
  Time now_{};
  BatchId last_batch_ = 0;
  std::deque<Outgoing> running_;
  double inside_ = 0;
  std::unordered_map<PeerId, std::uint64_t> sequences_;
};

// Of this thread alone: the machine may be busy with other things.
double cpu_seconds(const std::function<void()>& work) {
  const auto now = [] {
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  };
  const double start = now();
  work();
  return now() - start;
}

constexpr std::size_t batches = 200'000;
constexpr int runs = 9;

// Seconds for each batch, where packets hold some of them.
double cost_in_groups(std::uint32_t nodes) {
  Cluster cluster(nodes);
  cluster.run_all(batches / 4, nodes * slots);
  std::vector<double> costs;
  for (int run = 0; run != runs; ++run) {
    const double before = cluster.seconds_inside();
    cluster.run_all(batches, nodes * slots);
    costs.push_back((cluster.seconds_inside() - before) / static_cast<double>(batches));
  }
  return median(costs);
}

// Where each packet from a node holds one.
double cost_one_by_one(std::uint32_t nodes) {
  Cluster cluster(nodes);
  cluster.fill(std::size_t{nodes} * slots * 2 + 1000);
  std::vector<double> costs;
  for (int run = 0; run != runs; ++run)
    costs.push_back(cpu_seconds([&] { cluster.run_steadily(batches); }) /
                    static_cast<double>(batches));
  return median(costs);
}

void rows_of_speed() {
  constexpr double wanted = 1e6;
  const double rate = 1 / cost_in_groups(1000);
  print_row(group, "assignments per second, 1,000 nodes", rate, wanted, rate / wanted,
            "assignments/s", Better::higher, 1.0);
  const double few = cost_one_by_one(100), many = cost_one_by_one(10'000);
  print_row(group, "cost per task at 10,000 nodes | at 100 nodes", many * 1e9, few * 1e9,
            many / few, "ns/task", Better::lower, 2.0);
}

// Batches of one task that wait for a node; their payloads are the client's.
void row_of_memory() {
  constexpr double wanted = 500;
  const Bytes payload = bytes(64);
  Cluster cluster(0);
  const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  cluster.submit(batches, payload);
  const std::size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
  const double each = static_cast<double>(after - before) / batches;
  print_row(group, "bytes per queued task, beside its payload", each, wanted, each / wanted,
            "bytes", Better::lower, 1.0);
}

}  // namespace
}  // namespace paracord::bench

int main() {
  paracord::bench::rows_of_speed();
  paracord::bench::row_of_memory();
}
