#include "paracord/backends/zeromq/cluster_client.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <thread>
#include <vector>

#include "paracord/backends/zeromq/shared_buffer.h"
#include "paracord/core/describe_error.h"
#include "paracord/core/event.h"
#include "paracord/core/guarded.h"
#include "paracord/core/service_thread.h"
#include "paracord/core/worker_output.h"
#include "paracord/memmap/temp_folder.h"
#include "paracord/transport/clock.h"
#include "paracord/transport/random.h"
#include "paracord/transport/sockets.h"

namespace paracord::cluster {

namespace {

constexpr auto longest_wait = std::chrono::milliseconds(500);
constexpr auto time_for_last_words = std::chrono::milliseconds(100);
constexpr auto longest_flush = std::chrono::milliseconds(500);

bool is_answer(const Packet& packet) {
  return packet.messages.size() == 1 && std::holds_alternative<Answer>(packet.messages.front());
}

std::string own_name() {
  std::ifstream command("/proc/self/comm");
  std::string program;
  std::getline(command, program);
  return detail::host_name() + " " + program + " " + std::to_string(getpid());
}

ClientLedger::Identity identity(const ClusterClient::Options& options, PeerId id) {
  return {id, options.root != 0 ? options.root : id, options.weight, own_name()};
}

DataPlane::Options data_options(const ClusterClient::Options& options, PeerId id) {
  DataPlane::Options data;
  data.self = id;
  data.shares_memory = options.shares_memory;
  if (!options.link.server_key.empty()) data.keys = make_key_pair();
  return data;
}

}  // namespace

struct ClusterClient::State {
  State(Options given, PeerId self)
      : options(std::move(given)),
        id(self),
        control(options.link),
        plane(data_options(options, self)),
        offers(plane),
        ledger(identity(options, self)) {
    plane.on_changed([this](const ObjectId& object) {
      post([this, object] {
        for (const auto& [call, events] : std::map(calls)) events->object_changed(object);
      });
    });
    // Where the scheduler is silent, too, this end is cut off, and waits.
    plane.on_unreachable([this](PeerId, const std::string& why) {
      post([this, why] {
        if (!welcome.load()) return;
        for (const auto& [call, events] : std::map(calls)) events->refused(why);
      });
    });
  }

  // Every use of the ledger; what it wants to send is sent by the thread, which is woken where it
  // would sleep for too long.
  template <class Use>
  void with_ledger(Use use) {
    const bool late = ledger.with([&](ClientLedger& l) {
      use(l);
      return l.next_deadline() < sleeps_until;
    });
    if (late && !asked.exchange(true)) control.wake();
  }

  // Shared, so that results can go on from there; or ordinary, where there is no more of that.
  std::shared_ptr<detail::Buffer> new_memory(std::size_t bytes) {
    try {
      return shared_buffer(arenas.allocate_to_fill(bytes), bytes, true);
    } catch (const std::exception&) {
      return detail::allocate_on_heap(bytes);
    }
  }
  // Two results may have the same content, and yet be changed apart.
  std::shared_ptr<detail::Buffer> copy_of(const detail::Buffer& memory, std::size_t bytes) {
    try {
      return shared_buffer(arenas.store(memory.data, bytes), bytes, true);
    } catch (const std::exception&) {
      auto copy = detail::allocate_on_heap(bytes);
      std::memcpy(copy->data, memory.data, bytes);
      return copy;
    }
  }
  void begin_fetch(const ObjectId& object, const std::shared_ptr<detail::Buffer>& memory,
                   std::vector<PeerId> sources);
  void end_fetch(const ObjectId& object, const Status& status);

  void serve();
  void carry_out(client::Effect& effect);
  // Run by the thread, while `telling` is held.
  void post(std::function<void()> job) {
    jobs.with([&](auto& waiting) { waiting.push_back(std::move(job)); });
    if (!asked.exchange(true)) control.wake();
  }
  CallEvents* events_of(CallId call) {
    const auto found = calls.find(call);
    return found == calls.end() ? nullptr : found->second;
  }

  const Options options;
  const PeerId id;
  ControlLink control;
  detail::ArenaStore arenas{detail::temp_folders(std::nullopt)};  // for results
  DataPlane plane;
  Offers offers;
  detail::Guarded<ClientLedger> ledger;
  Time sleeps_until = Time::min();  // the thread, with the ledger's lock
  std::atomic<bool> asked{false}, stopped{false}, flush_asked{false};
  std::atomic<std::uint64_t> answers{0};
  std::atomic<std::uint32_t> slots{0};
  detail::Guarded<std::string> refusal, last_trouble;
  std::atomic<bool> refused{false}, welcome{false};
  detail::Event changed;

  // Told in order of calls; held while an event is told, so that close_call() waits for it.
  detail::SpinMutex telling;
  std::map<CallId, CallEvents*> calls;
  detail::Guarded<std::map<BatchId, CallId>> call_of;
  detail::Guarded<std::vector<std::function<void()>>> jobs;
  std::atomic<CallId> last_call{0};
  std::atomic<BatchId> last_batch{0};
  struct Fetch {
    std::shared_ptr<detail::Buffer> memory;
    std::vector<PeerId> sources;
    std::vector<OnFetched> waiting;
  };
  detail::Guarded<std::map<ObjectId, Fetch>> fetches;
  detail::Guarded<std::map<PeerId, std::string>> nodes;
  std::thread thread;
};

void ClusterClient::State::carry_out(client::Effect& effect) {
  if (auto* ready = std::get_if<client::CallReady>(&effect)) {
    if (CallEvents* events = events_of(ready->call)) events->call_ready(ready->run_inline);
  } else if (auto* count = std::get_if<client::ClusterSlots>(&effect)) {
    slots.store(count->slots);
    changed.notify();
  } else if (auto* dial = std::get_if<client::DialNode>(&effect)) {
    nodes.with([&](auto& names) { names[dial->node.node] = dial->node.name; });
    plane.dial(dial->node);
  } else if (auto* forget = std::get_if<client::ForgetNode>(&effect)) {
    plane.forget(forget->node);
  } else if (auto* relay = std::get_if<client::UseRelay>(&effect)) {
    plane.use_relay(relay_at(relay->address, options.link.address));
  } else if (auto* lost = std::get_if<client::NodesAreLostAfter>(&effect)) {
    plane.wait_for_losses(lost->silence);
  } else if (auto* results = std::get_if<client::Arrived>(&effect)) {
    const CallId call = call_of.with([&](auto& all) {
      const auto found = all.find(results->batch);
      return found == all.end() ? CallId{0} : found->second;
    });
    if (CallEvents* events = events_of(call)) events->arrived(std::move(*results));
  } else if (auto* over = std::get_if<client::Over>(&effect)) {
    const CallId call = call_of.with([&](auto& all) {
      const auto found = all.extract(over->batch);
      return found.empty() ? CallId{0} : found.mapped();
    });
    if (CallEvents* events = events_of(call)) events->over(*over);
  } else if (auto* printed = std::get_if<client::Printed>(&effect)) {
    TaskOutput& output = printed->output;
    const Observer::WorkerOutput told{std::move(output.host), static_cast<int>(output.worker),
                                      output.pid, output.is_error, std::move(output.text)};
    CallEvents* events = events_of(output.call);
    if (events == nullptr || !events->printed(told)) detail::print_worker_output(told);
  } else if (auto* why = std::get_if<client::Refused>(&effect)) {
    refusal.with([&](std::string& text) { text = why->why; });
    refused.store(true);
    changed.notify();
    for (const auto& [call, events] : std::map(calls)) events->refused(why->why);
  }
}

void ClusterClient::State::serve() {
  while (!stopped.load()) {
    const Time begin = now();
    const Time until = ledger.with([&](ClientLedger& l) {
      return sleeps_until = std::clamp<Time>(l.next_deadline(), begin, begin + longest_wait);
    });
    ControlLink::Came came = control.wait(until - begin);
    asked.store(false);
    if (!came.refused.empty()) last_trouble.with([&](std::string& text) { text = came.refused; });
    if (std::any_of(came.packets.begin(), came.packets.end(), is_answer)) {
      answers.fetch_add(1);
      changed.notify();
    }
    std::vector<client::Effect> effects;
    std::vector<Packet> packets;
    ledger.with([&](ClientLedger& l) {
      sleeps_until = Time::min();
      if (came.connected) l.connected(now());
      for (Packet& packet : came.packets) {
        if (!is_answer(packet)) l.receive(std::move(packet), now());
      }
      l.tick(now());
      effects = l.take_effects();
      packets = l.take_outgoing();
      welcome.store(l.is_welcome());
    });
    for (const Packet& packet : packets) (void)control.send(packet);
    {
      const std::lock_guard<detail::SpinMutex> hold(telling);
      for (client::Effect& effect : effects) carry_out(effect);
      for (const auto& job : jobs.with([](auto& waiting) { return std::exchange(waiting, {}); }))
        job();
    }
    const bool flushes = flush_asked.exchange(false);
    packets = ledger.with([&](ClientLedger& l) {
      if (flushes) l.hurry();
      return l.take_outgoing();
    });
    for (const Packet& packet : packets) (void)control.send(packet);
    // Behind all that was said: its answer says that this has come.
    if (flushes) (void)control.send({0, 0, {Query{}}});
  }
  ledger.with([](ClientLedger& l) { l.goodbye(); });
  for (const Packet& packet : ledger.with([](ClientLedger& l) { return l.take_outgoing(); }))
    (void)control.send(packet);
  (void)control.wait(time_for_last_words);
}

ClusterClient::ClusterClient(Options options)
    : state_(std::make_unique<State>(std::move(options), random_number())) {
  state_->thread = detail::service_thread([state = state_.get()] { state->serve(); });
}

ClusterClient::~ClusterClient() {
  state_->stopped.store(true);
  state_->control.wake();
  state_->thread.join();
  state_->plane.on_changed({});
  state_->plane.on_unreachable({});
}

Status ClusterClient::wait_for_slots(std::chrono::steady_clock::time_point deadline) {
  State& state = *state_;
  state.changed.wait([&] { return state.slots.load() != 0 || state.refused.load(); }, deadline);
  if (state.refused.load()) {
    return Status(StatusCode::unavailable,
                  "zeromq: the scheduler at " + state.options.link.address +
                      " refuses: " + state.refusal.with([](std::string& text) { return text; }));
  }
  if (state.slots.load() != 0) return Status();
  const std::string trouble = state.last_trouble.with([](std::string& text) { return text; });
  if (!trouble.empty()) return Status(StatusCode::unavailable, "zeromq: " + trouble);
  if (!state.welcome.load()) {
    return Status(StatusCode::unavailable, "zeromq: no scheduler answers at " +
                                               state.options.link.address +
                                               "; is it running, and is the address right?");
  }
  return Status(StatusCode::unavailable, "zeromq: the scheduler at " + state.options.link.address +
                                             " has no node; start one with `paracord node`");
}

std::uint32_t ClusterClient::slots() const {
  return state_->slots.load();
}

CallId ClusterClient::open_call(OpenCall call, CallEvents& events) {
  call.call = ++state_->last_call;
  exclusively([&] { state_->calls[call.call] = &events; });
  const CallId id = call.call;
  state_->with_ledger([&](ClientLedger& ledger) { ledger.open_call(std::move(call)); });
  return id;
}

void ClusterClient::close_call(CallId call) {
  exclusively([&] { state_->calls.erase(call); });
  state_->with_ledger([&](ClientLedger& ledger) { ledger.close_call(call); });
}

BatchId ClusterClient::new_batch(CallId call) {
  const BatchId id = ++state_->last_batch;
  state_->call_of.with([&](auto& all) { all[id] = call; });
  return id;
}

void ClusterClient::submit(Submit batch) {
  state_->with_ledger([&](ClientLedger& ledger) { ledger.submit(std::move(batch)); });
}

void ClusterClient::exclusively(const std::function<void()>& job) {
  if (std::this_thread::get_id() == state_->thread.get_id()) return job();
  const std::lock_guard<detail::SpinMutex> hold(state_->telling);
  job();
}

void ClusterClient::post(CallId call, std::function<void()> job) {
  state_->post([state = state_.get(), call, job = std::move(job)] {
    if (state->events_of(call) != nullptr) job();
  });
}

void ClusterClient::cancel_call(CallId call) {
  state_->with_ledger([&](ClientLedger& ledger) { ledger.cancel_call(call); });
}

void ClusterClient::waiting(CallId call, bool begins) {
  state_->with_ledger([&](ClientLedger& ledger) {
    ledger.tick(now());  // the thread may have slept for long
    ledger.waiting(call, begins);
  });
}

void ClusterClient::to_come(CallId call, std::uint64_t tasks) {
  state_->with_ledger([&](ClientLedger& ledger) { ledger.to_come(call, tasks); });
}

void ClusterClient::keep_result(BatchId batch, std::uint32_t task) {
  state_->with_ledger([&](ClientLedger& ledger) { ledger.keep_result(batch, task); });
}

void ClusterClient::drop_result(BatchId batch, std::uint32_t task) {
  state_->with_ledger([&](ClientLedger& ledger) { ledger.drop_result(batch, task); });
}

void ClusterClient::fetch(const ObjectId& object, PeerId node, OnFetched on_fetched) {
  State& state = *state_;
  const auto memory = state.fetches.with([&](auto& fetches) {
    State::Fetch& fetch = fetches[object];
    fetch.waiting.push_back(std::move(on_fetched));
    fetch.sources.push_back(node);
    if (fetch.memory != nullptr) return std::shared_ptr<detail::Buffer>();
    return fetch.memory = state.new_memory(static_cast<std::size_t>(object.bytes));
  });
  if (memory == nullptr) return state.plane.add_source(object, node);
  state.begin_fetch(object, memory, {node});
}

void ClusterClient::State::begin_fetch(const ObjectId& object,
                                       const std::shared_ptr<detail::Buffer>& memory,
                                       std::vector<PeerId> sources) {
  const bool is_shared = memory->fd >= 0;
  plane.fetch(object, destination_in(memory), std::move(sources),
              [this, object, is_shared](const Status& status, const auto&) {
                if (is_shared && status.code() == StatusCode::unavailable) {
                  // Shared memory was full after all.
                  auto [ordinary, known] = fetches.with([&](auto& all) {
                    Fetch& fetch = all[object];
                    fetch.memory = detail::allocate_on_heap(static_cast<std::size_t>(object.bytes));
                    return std::pair(fetch.memory, fetch.sources);
                  });
                  begin_fetch(object, ordinary, std::move(known));
                } else {
                  end_fetch(object, status);
                }
              });
}

void ClusterClient::State::end_fetch(const ObjectId& object, const Status& status) {
  const Fetch ended =
      fetches.with([&](auto& all) { return std::move(all.extract(object).mapped()); });
  for (const OnFetched& told : ended.waiting) {
    const bool last = &told == &ended.waiting.back();
    told(status, !status.ok() ? nullptr
                 : last       ? ended.memory
                              : copy_of(*ended.memory, static_cast<std::size_t>(object.bytes)));
  }
}

void ClusterClient::flush() {
  State& state = *state_;
  const std::uint64_t before = state.answers.load();
  state.flush_asked.store(true);
  state.control.wake();
  state.changed.wait([&] { return state.answers.load() != before || state.refused.load(); },
                     std::chrono::steady_clock::now() + longest_flush);
}

void ClusterClient::report(const std::string& what, bool is_broken) {
  state_->post([state = state_.get(), what, is_broken] {
    const Observer::WorkerOutput line{"", -1, 0, true, "paracord: " + what + "\n"};
    bool taken = false;
    for (const auto& [call, events] : std::map(state->calls)) {
      taken |= events->printed(line);
      if (is_broken) events->refused(what);
    }
    if (!taken) std::fputs(line.text.c_str(), stderr);
  });
}

Offers& ClusterClient::offers() {
  return state_->offers;
}

PeerId ClusterClient::id() const {
  return state_->id;
}

std::string ClusterClient::node_name(PeerId node) const {
  return state_->nodes.with([&](auto& names) {
    const auto found = names.find(node);
    return found == names.end() ? std::string("a node") : found->second;
  });
}

}  // namespace paracord::cluster
