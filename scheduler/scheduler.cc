#include "paracord/scheduler/scheduler.h"

#include <algorithm>
#include <utility>

#include "paracord/scheduler/balance.h"
#include "paracord/scheduler/client_requests.h"
#include "paracord/scheduler/membership.h"
#include "paracord/scheduler/node_reports.h"
#include "paracord/scheduler/placement.h"
#include "paracord/scheduler/recovery.h"
#include "paracord/scheduler/sessions.h"
#include "paracord/scheduler/state.h"
#include "paracord/scheduler/view_of.h"

namespace paracord::cluster {

namespace scheduling {

namespace {

const char* name_of(Role role) {
  return role == Role::node ? "node" : "client";
}

void remove(State& state, Session& session, const std::string& why) {
  if (session.role == Role::node) {
    lose_node(state, state.node(session.index), why);
  } else {
    remove_client(state, state.client(session.index));
  }
}

void ban(State& state, Session& session, const std::string& why) {
  const PeerId peer = session.peer;
  const std::string role = name_of(session.role);
  remove(state, session, "it was refused: " + why);
  refuse(state, peer, "this " + role + " was refused: " + why);
}

template <class Peer>
Fault dispatch(State& state, Peer& peer, Message& message) {
  return std::visit(
      [&](auto& known) -> Fault {
        using Known = std::decay_t<decltype(known)>;
        if constexpr (std::is_same_v<Known, Heartbeat>) return {};
        if constexpr (requires { on(state, peer, known); }) return on(state, peer, known);
        return "message " + std::to_string(message.index()) +
               " of the protocol, which its role does not send here";
      },
      message);
}

// False: the peer is gone.
bool handle(State& state, Session& session, Message& message) {
  if (std::holds_alternative<Goodbye>(message)) {
    remove(state, session, "it has left");
    return false;
  }
  const Fault fault = session.role == Role::node
                          ? dispatch(state, state.node(session.index), message)
                          : dispatch(state, state.client(session.index), message);
  if (fault.empty()) return true;
  ban(state, session, fault);
  return false;
}

struct Introduction {
  PeerId id = 0;
  std::uint32_t protocol = 0;
  std::uint64_t known_epoch = 0;
  Role role = Role::client;
};

bool introduces(const Packet& packet, Introduction& who) {
  if (packet.sequence != 1 || packet.session == 0 || packet.messages.empty()) return false;
  if (const auto* node = std::get_if<NodeHello>(&packet.messages.front())) {
    who = {node->node, node->protocol, node->known_epoch, Role::node};
    return true;
  }
  if (const auto* client = std::get_if<ClientHello>(&packet.messages.front())) {
    who = {client->client, client->protocol, client->known_epoch, Role::client};
    return true;
  }
  return false;
}

std::string wrong_introduction(PeerId peer, Role role, const Introduction& who) {
  if (who.protocol != protocol_version)
    return "it speaks version " + std::to_string(who.protocol) +
           " of the cluster's protocol, and this scheduler version " +
           std::to_string(protocol_version) +
           "; install the same release of Paracord on both sides";
  if (who.role != role)
    return "it is known as a " + std::string(name_of(role)) + " and says hello as a " +
           name_of(who.role);
  if (who.id != peer || peer == 0) return "it says hello in the name of another peer";
  return {};
}

Session& session_of(State& state, PeerId peer, Role role) {
  const auto found = state.peers.find(peer);
  if (found != state.peers.end()) return *found->second;
  if (role == Role::node) return add_node(state, peer).session;
  return add_client(state, peer, peer, 1).session;
}

bool open_session(State& state, PeerId peer, Role role, Packet& packet) {
  Introduction who;
  if (!introduces(packet, who)) {
    send_apart(state, peer, packet.session, Resync{});
    return false;
  }
  // There is a scheduler after this one, with which the peer has spoken: it is the other's.
  if (who.known_epoch > state.epoch) return false;
  if (const std::string why = wrong_introduction(peer, role, who); !why.empty()) {
    if (const auto found = state.peers.find(peer); found != state.peers.end())
      remove(state, *found->second, why);
    refuse(state, peer, why);
    return false;
  }
  Session& session = session_of(state, peer, role);
  begin_session(state, session, packet.session);
  hear(state, session);
  Message& hello = packet.messages.front();
  const Fault fault =
      role == Role::node
          ? on_hello(state, state.node(session.index), std::get<NodeHello>(hello))
          : on_hello(state, state.client(session.index), std::get<ClientHello>(hello));
  if (fault.empty()) return true;
  ban(state, session, fault);
  return false;
}

// Whether the packet's messages count; those behind the hello, if it has begun a session.
bool admit(State& state, PeerId peer, Role role, Packet& packet) {
  if (const auto why = state.refused.find(peer); why != state.refused.end()) {
    if (packet.sequence == 1) send_apart(state, peer, 0, Refuse{why->second});
    return false;
  }
  const auto found = state.peers.find(peer);
  if (found == state.peers.end()) return open_session(state, peer, role, packet);
  Session& session = *found->second;
  if (session.role != role) {
    ban(state, session, "it has changed its role");
    return false;
  }
  switch (judge(session, packet)) {
    case Arrival::is_repeated:
      return false;
    case Arrival::has_gap:
      send_apart(state, peer, packet.session, Resync{});
      return false;
    case Arrival::begins_session:
      return open_session(state, peer, role, packet);
    case Arrival::counts:
      ++session.received;
      hear(state, session);
      return true;
  }
  return false;
}

void ring(State& state, Alarm kind, std::uint64_t id, Time at) {
  switch (kind) {
    case Alarm::peer:
      if (const auto found = state.peers.find(id);
          found != state.peers.end() && found->second->check_at == at)
        check_peer(state, *found->second);
      return;
    case Alarm::settle:
      if (Client* const client = find_client(state, id);
          client != nullptr && !client->is_settled && client->settle_at == at)
        settle(state, *client);
      return;
    case Alarm::slots:
      tell_slots(state);
      return;
    case Alarm::balance:
      balance(state);
  }
}

}  // namespace

}  // namespace scheduling

struct Scheduler::State : scheduling::State {
  using scheduling::State::State;
};

Scheduler::Scheduler(const SchedulerOptions& options, std::uint64_t epoch)
    : state_(std::make_unique<State>(options, epoch)) {}

Scheduler::~Scheduler() = default;

void Scheduler::receive(PeerId peer, Role role, Packet packet, Time now) {
  State& state = *state_;
  state.now = std::max(state.now, now);
  if (!scheduling::admit(state, peer, role, packet)) return;
  const std::size_t first = packet.sequence == 1 ? 1 : 0;
  scheduling::Session& session = *state.peers.at(peer);
  for (std::size_t i = first; i < packet.messages.size(); ++i) {
    if (!scheduling::handle(state, session, packet.messages[i])) break;
  }
  scheduling::assign_queued(state);
  scheduling::consider_balance(state);
}

void Scheduler::doubt(PeerId peer, Time now) {
  state_->now = std::max(state_->now, now);
  const auto found = state_->peers.find(peer);
  if (found != state_->peers.end()) scheduling::probe(*state_, *found->second);
}

void Scheduler::disconnected(PeerId peer, Time now) {
  state_->now = std::max(state_->now, now);
  const auto found = state_->peers.find(peer);
  if (found == state_->peers.end()) return;
  scheduling::Session& session = *found->second;
  // One that has nothing open here has just ended.
  if (session.role == Role::client && state_->client(session.index).calls.empty())
    return scheduling::remove_client(*state_, state_->client(session.index));
  scheduling::close_connection(*state_, session);
}

void Scheduler::paused(Time length, Time now) {
  state_->now = std::max(state_->now, now);
  scheduling::forgive_silence(*state_, length);
}

void Scheduler::tick(Time now) {
  State& state = *state_;
  state.now = std::max(state.now, now);
  while (!state.alarms.empty() && std::get<Time>(state.alarms.top()) <= state.now) {
    const auto [at, kind, id] = state.alarms.top();
    state.alarms.pop();
    scheduling::ring(state, kind, id, at);
  }
  scheduling::assign_queued(state);
  scheduling::consider_balance(state);
}

Time Scheduler::next_deadline() const {
  const State& state = *state_;
  if (!state.outgoing.empty() || !state.parting.empty()) return state.now;
  return state.alarms.empty() ? Time::max() : std::get<Time>(state.alarms.top());
}

std::vector<Outgoing> Scheduler::take_outgoing() {
  return scheduling::take_outgoing(*state_);
}

std::vector<std::string> Scheduler::data_addresses() const {
  std::vector<std::string> all;
  for (const auto& node : state_->nodes) {
    if (node != nullptr && node->slots != 0) all.push_back(node->data_address);
  }
  return all;
}

SchedulerView Scheduler::view(Time, bool with_history) const {
  SchedulerView view = scheduling::view_of(*state_);
  if (with_history) state_->history.show(view);
  return view;
}

}  // namespace paracord::cluster
