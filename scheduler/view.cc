#include "paracord/scheduler/view.h"

#include "paracord/scheduler/batches.h"

namespace paracord::cluster::scheduling {

namespace {

SchedulerView::Node view_of(const Node& node) {
  const char* const state = node.is_draining ? "draining" : node.is_suspect ? "suspect" : "up";
  return {node.session.peer, node.name,        state,
          node.slots,        node.lent,        static_cast<std::uint32_t>(node.running.size),
          node.objects,      node.object_bytes};
}

SchedulerView::Client view_of(const Client& client) {
  return {client.session.peer,          client.name,       client.queued_tasks,
          client.running_tasks,         client.done_tasks, client.queued_bytes,
          client.slot_nanoseconds / 1e9};
}

}  // namespace

SchedulerView view_of(const State& state) {
  SchedulerView view = state.counters;
  view.epoch = state.epoch;
  for (const auto& node : state.nodes) {
    if (node != nullptr) view.nodes.push_back(view_of(*node));
  }
  for (const auto& client : state.clients) {
    if (client == nullptr) continue;
    view.clients.push_back(view_of(*client));
    for (const auto& [id, call] : client->calls) {
      const auto left = call->queued_tasks + call->running_tasks + call->to_come;
      view.tasks_queued += call->queued_tasks;
      view.demand_seconds += static_cast<double>(left) * cost_of_task(state, *call) / 1e9;
    }
  }
  return view;
}

}  // namespace paracord::cluster::scheduling
