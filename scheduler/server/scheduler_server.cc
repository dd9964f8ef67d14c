#include "paracord/scheduler/server/scheduler_server.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <unordered_map>
#include <utility>

#include "paracord/core/event.h"
#include "paracord/core/guarded.h"
#include "paracord/transport/clock.h"

namespace paracord::cluster {

namespace {

constexpr auto longest_wait = std::chrono::seconds(1);
// Beside waiting: more than that, and this process has stood still, or was at work for so long.
constexpr auto longest_turn = std::chrono::seconds(1);
constexpr auto longest_look = std::chrono::seconds(2);
constexpr auto relay_interval = std::chrono::seconds(1);  // for nodes that have gone

// Higher than that of the schedulers before it, where this machine's clock is right; where a peer
// knows better, its hello says so.
std::uint64_t epoch_by_clock() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

std::uint64_t known_epoch(const Packet& packet) {
  if (packet.messages.empty()) return 0;
  const Message& first = packet.messages.front();
  if (const auto* client = std::get_if<ClientHello>(&first)) return client->known_epoch;
  if (const auto* node = std::get_if<NodeHello>(&first)) return node->known_epoch;
  return 0;
}

std::optional<Role> role_in(const Packet& packet) {
  if (packet.messages.empty()) return std::nullopt;
  if (std::holds_alternative<ClientHello>(packet.messages.front())) return Role::client;
  if (std::holds_alternative<NodeHello>(packet.messages.front())) return Role::node;
  return std::nullopt;
}

}  // namespace

struct SchedulerServer::State {
  explicit State(Options given)
      : options(std::move(given)), control(with_answers(options.control)), epoch(epoch_by_clock()) {
    if (options.relay == nullptr) {
      options.scheduler.relay.clear();
    } else if (options.scheduler.relay.empty()) {
      options.scheduler.relay = options.relay->address();
    }
    scheduler = std::make_unique<Scheduler>(options.scheduler, epoch);
  }

  ControlServer::Options with_answers(ControlServer::Options control_options) {
    if (options.describe) {
      control_options.describe = [this] {
        return options.describe(scheduler->view(now()), control.counters());
      };
    }
    return control_options;
  }

  void take(ControlServer::Received received) {
    outlive(known_epoch(received.packet));
    const Role role = role_of(received);
    nodes_changed = nodes_changed || role_in(received.packet) == Role::node;
    scheduler->receive(received.peer, role, std::move(received.packet), turn);
  }

  // What its key says; without keys, what it said first.
  Role role_of(const ControlServer::Received& received) {
    if (received.role == Admission::client) return Role::client;
    if (received.role == Admission::node) return Role::node;
    if (const auto said = role_in(received.packet)) roles.insert_or_assign(received.peer, *said);
    return roles[received.peer];
  }

  // A scheduler before this one had a higher number: this one starts anew, with one that is higher.
  void outlive(std::uint64_t known) {
    if (known <= epoch) return;
    epoch = known + 1;
    scheduler = std::make_unique<Scheduler>(options.scheduler, epoch);
  }

  // Before peers are told of nodes that they may dial through it.
  void tell_relay() {
    if (options.relay == nullptr || (!nodes_changed && now() < relay_due)) return;
    nodes_changed = false;
    relay_due = now() + relay_interval;
    options.relay->allow(scheduler->data_addresses());
  }

  void send_all() {
    tell_relay();
    for (Outgoing& outgoing : scheduler->take_outgoing()) {
      const auto sent = control.send(outgoing.peer, outgoing.packet);
      if (sent == ControlServer::Sent::gone) scheduler->disconnected(outgoing.peer, turn);
      for (const Message& message : outgoing.packet.messages) {
        const auto* refusal = std::get_if<Refuse>(&message);
        if (refusal != nullptr) control.ban(outgoing.peer, refusal->why);
      }
    }
  }

  void show() {
    if (!asked.exchange(false)) return;
    const bool with_history = asked_history.exchange(false);
    Seen now_seen{scheduler->view(now(), with_history), control.counters(),
                  options.relay ? options.relay->counters() : Relay::Counters{}, lag, true};
    seen.with([&](Seen& seen) { seen = std::move(now_seen); });
    if (with_history) looks_back.fetch_add(1);
    looks.fetch_add(1);
    looked.notify();
  }

  Options options;
  ControlServer control;
  // When the present turn of the loop began. All that happens in it happens then: where this
  // process stands still in the middle of it, no peer was silent meanwhile, and the next turn says
  // so.
  Time turn = now();
  bool nodes_changed = false;
  Time relay_due{};
  std::uint64_t epoch;
  std::unique_ptr<Scheduler> scheduler;
  std::unordered_map<PeerId, Role> roles;
  std::atomic<bool> stopped{false}, asked{false}, asked_history{false};
  std::atomic<std::uint64_t> looks{0}, looks_back{0};
  detail::Guarded<Seen> seen;
  detail::Event looked;
  Time lag{};
};

SchedulerServer::SchedulerServer(Options options)
    : state_(std::make_unique<State>(std::move(options))) {}

SchedulerServer::~SchedulerServer() = default;

const std::vector<std::string>& SchedulerServer::addresses() const {
  return state_->control.addresses();
}

void SchedulerServer::run() {
  State& state = *state_;
  while (!state.stopped.load()) {
    const Time wait =
        std::clamp<Time>(state.scheduler->next_deadline() - now(), Time(0), longest_wait);
    auto received = state.control.wait(wait);
    const Time before = std::exchange(state.turn, now());
    const Time silent = state.turn - before;
    if (silent > wait + longest_turn) state.scheduler->paused(silent, state.turn);
    for (ControlServer::Received& one : received) state.take(std::move(one));
    for (const PeerId peer : state.control.take_doubted()) state.scheduler->doubt(peer, state.turn);
    state.scheduler->tick(state.turn);
    state.send_all();
    state.lag = now() - state.turn;
    state.show();
  }
}

void SchedulerServer::stop() {
  state_->stopped.store(true);
  state_->control.wake();
}

SchedulerServer::Seen SchedulerServer::see(bool with_history) {
  State& state = *state_;
  const std::atomic<std::uint64_t>& looks = with_history ? state.looks_back : state.looks;
  const std::uint64_t before = looks.load();
  if (with_history) state.asked_history.store(true);
  state.asked.store(true);
  state.control.wake();
  const bool answered = state.looked.wait([&] { return looks.load() != before; },
                                          std::chrono::steady_clock::now() + longest_look);
  Seen seen = state.seen.with([](const Seen& last) { return last; });
  seen.is_fresh = answered;
  return seen;
}

}  // namespace paracord::cluster
