// NodeAgent: its loop.

#include "paracord/backends/zeromq/node_agent.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "paracord/backends/zeromq/agent_state.h"
#include "paracord/core/cpu_count.h"
#include "paracord/core/describe_error.h"
#include "paracord/core/futex.h"
#include "paracord/transport/clock.h"
#include "paracord/transport/random.h"
#include "paracord/transport/sockets.h"

namespace paracord::cluster {

namespace {

constexpr auto longest_agent_wait = std::chrono::milliseconds(500);
constexpr auto time_for_agents_last_words = std::chrono::milliseconds(200);
constexpr auto report_interval = std::chrono::seconds(1);
constexpr std::size_t most_printed = std::size_t{256} << 10;
constexpr std::uint32_t parked_per_slot = 4;
// With so many batches here no worker waits for the next one, so the loop may let some more come.
constexpr std::size_t plenty_per_slot = 16;
constexpr auto pause_in_plenty = std::chrono::microseconds(100);

NodeAgent::Options with_defaults(NodeAgent::Options options) {
  if (options.name.empty()) options.name = detail::host_name();
  options.worker_environment[detail::node_name_variable] = options.name;
  if (options.slots == 0) options.slots = static_cast<std::uint32_t>(cpu_count());
  if (options.most_parked == 0) options.most_parked = parked_per_slot * options.slots;
  return options;
}

std::unique_ptr<DataPlane> open_plane(const NodeAgent::Options& options, PeerId id) {
  DataPlane::Options data;
  data.self = id;
  data.listen = options.data_listen;
  if (!options.scheduler.server_key.empty()) data.keys = make_key_pair();
  return std::make_unique<DataPlane>(std::move(data));
}

NodeHello hello_of(const NodeAgent::Options& options, const DataPlane& plane) {
  NodeHello hello;
  hello.node = plane.self();
  hello.name = options.name;
  hello.slots = options.slots;
  hello.most_parked = options.most_parked;
  hello.data_address =
      advertised(plane.address(), options.advertise.empty() ? options.name : options.advertise);
  hello.data_key = plane.public_key();
  return hello;
}

}  // namespace

NodeAgent::State::State(Options given)
    : options(with_defaults(std::move(given))),
      slots(options.slots),
      most_parked(options.most_parked),
      control(options.scheduler),
      store(options.store),
      plane(open_plane(options, random_number())),
      offers(*plane),
      ledger(hello_of(options, *plane)),
      programs(options.programs),
      background(std::make_unique<Background>()) {
  show();
  if (options.worker_memory_bytes != 0)
    detail::ProcessPool::instance().limit_memory(options.worker_memory_bytes);
  store.on_dropped([this](const ObjectId& object) {
    stored_offers.erase(object);
    post([this, object] { ledger.drop({object}); });
  });
}

NodeAgent::State::~State() {
  for (auto& [attempt, one] : running) {
    if (one.batch == nullptr) continue;
    one.batch->forget();
    if (one.submitted && !one.over) calls.at(one.call)->backend().withdraw(*one.batch, true);
  }
  background.reset();
  calls.clear();
  // Its thread tells of what is lost here below, and knows of all offers.
  offers.close();
  plane.reset();
}

void NodeAgent::State::post(std::function<void()> job) {
  mail.with([&](Mail& waiting) { waiting.jobs.push_back(std::move(job)); });
  if (!mail_waits.exchange(true)) control.wake();
}

void NodeAgent::State::take_mail() {
  mail_waits.store(false);
  Mail taken = mail.with([](Mail& waiting) { return std::exchange(waiting, {}); });
  // What tasks have printed comes before their end.
  std::set<CallKey> printing;
  for (const EndedTask& task : taken.ended) {
    const auto one = running.find(task.attempt);
    if (one != running.end()) printing.insert(one->second.call);
  }
  for (const CallKey& key : printing) calls.at(key)->backend().pass_on_output();
  mail.with([&](Mail& waiting) {
    std::move(waiting.printed.begin(), waiting.printed.end(), std::back_inserter(taken.printed));
    waiting.printed.clear();
  });
  print(std::move(taken.printed));
  for (EndedTask& task : taken.ended) task_ended(std::move(task));
  for (const auto& job : taken.jobs) job();
}

void NodeAgent::State::carry_out(node::Effect effect) {
  struct {
    State& state;
    void operator()(node::OpenCall& e) { state.open(e.call); }
    void operator()(node::Run& e) { state.run(std::move(e.assign)); }
    void operator()(node::Stop& e) { state.stop(e.attempt); }
    void operator()(node::GiveBack& e) { state.give_back(e.attempt); }
    void operator()(node::Lent& e) { state.lend(e.attempt, e.begins); }
    void operator()(node::Release& e) { state.release(e.attempt, e.task); }
    void operator()(node::EndCall& e) { state.end({e.client, e.call}); }
    void operator()(node::EndClient& e) { state.end_client(e.client); }
    void operator()(node::Refused& e) { state.refused = e.why; }
    void operator()(node::UseRelay& e) {
      state.plane->use_relay(relay_at(e.address, state.options.scheduler.address));
    }
  } carry{*this};
  std::visit(carry, effect);
}

void NodeAgent::State::send_all() {
  write_results();
  for (const Packet& packet : ledger.take_outgoing()) (void)control.send(packet);
}

void NodeAgent::State::turn() {
  const Time deadline = std::min<Time>(ledger.next_deadline() - now(), longest_agent_wait);
  ControlLink::Came came = control.wait(std::max<Time>(deadline, Time(0)));
  if (!came.refused.empty() && options.log) options.log(came.refused);
  if (came.connected) ledger.connected(now());
  for (Packet& packet : came.packets) ledger.receive(std::move(packet), now());
  ledger.tick(now());
  take_mail();
  for (node::Effect& effect : ledger.take_effects()) carry_out(std::move(effect));
  if (drain_asked.load() && !draining) begin_drain();
  pump();
  if (now() >= report_due) report();
  send_all();
  show();
  // Each look costs the system calls of a packet, whether it brings one batch or ten.
  if (running.size() >= plenty_per_slot * slots) {
    const std::atomic<std::uint32_t> nobody_wakes{0};
    detail::futex_wait(nobody_wakes, 0, std::chrono::steady_clock::now() + pause_in_plenty);
  }
}

// What one worker has printed in one go counts as one.
void NodeAgent::State::print(std::vector<TaskOutput> printed) {
  for (std::size_t i = 0; i != printed.size(); ++i) {
    TaskOutput& output = printed[i];
    if (i + 1 != printed.size()) {
      TaskOutput& next = printed[i + 1];
      const auto key = [](const TaskOutput& o) {
        return std::tuple(o.client, o.call, o.pid, o.is_error);
      };
      if (key(next) == key(output) && output.text.size() + next.text.size() < most_printed) {
        next.text.insert(0, output.text);
        continue;
      }
    }
    ledger.print(std::move(output));
  }
}

void NodeAgent::State::report() {
  report_due = now() + report_interval;
  stored = store.counters();
  const DataPlane::Counters data = plane->counters();
  ledger.report({stored.memory_bytes,
                 stored.memory_limit,
                 stored.spilled_bytes,
                 data.sent_bytes,
                 data.received_bytes,
                 workers_lost,
                 {}});
}

void NodeAgent::State::begin_drain() {
  draining = true;
  drain_deadline = now() + options.drain_limit;
  if (options.log) options.log("draining: no new work is taken");
  ledger.drain();
  std::vector<Attempt> all;
  for (const auto& [attempt, one] : running) all.push_back(attempt);
  for (const Attempt& attempt : all) give_back(attempt);
}

bool NodeAgent::State::has_drained() {
  if (!draining) return false;
  if (running.empty() && ledger.is_empty()) return true;
  if (now() < drain_deadline) return false;
  if (options.log) options.log("the limit of the drain has passed; what is left is given up");
  return true;
}

void NodeAgent::State::show() {
  Seen now;
  now.state = draining ? "draining" : ledger.is_welcome() ? "up" : "connecting";
  now.slots = slots;
  now.busy = static_cast<std::uint32_t>(std::max(busy, 0));
  now.batches = running.size();
  now.tasks_done = tasks_done;
  now.workers_lost = workers_lost;
  now.workers_over_memory = detail::ProcessPool::instance().over_memory();
  now.turned = cluster::now();
  now.held_result_bytes = ledger.held_bytes();
  now.store = stored;
  const DataPlane::Counters data = plane->counters();
  now.sent_bytes = data.sent_bytes;
  now.received_bytes = data.received_bytes;
  now.borrowed_bytes = borrowed_bytes;
  seen.with([&](Seen& shown) { shown = std::move(now); });
}

std::string NodeAgent::State::serve() {
  while (!stopped.load() && refused.empty() && !has_drained()) turn();
  if (!refused.empty()) return "the scheduler has refused this node: " + refused;
  ledger.goodbye();
  send_all();
  // So that it leaves this process before the process ends.
  (void)control.wait(time_for_agents_last_words);
  return {};
}

NodeAgent::NodeAgent(Options options) : state_(std::make_unique<State>(std::move(options))) {}

NodeAgent::~NodeAgent() = default;

std::string NodeAgent::run() {
  return state_->serve();
}

void NodeAgent::drain() {
  state_->drain_asked.store(true);
  state_->control.wake();
}

void NodeAgent::stop() {
  state_->stopped.store(true);
  state_->control.wake();
}

std::string NodeAgent::data_address() const {
  return state_->plane->address();
}

NodeAgent::Seen NodeAgent::see() {
  return state_->seen.with([](const Seen& seen) { return seen; });
}

}  // namespace paracord::cluster
