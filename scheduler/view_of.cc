#include "paracord/scheduler/view_of.h"

#include <algorithm>

#include "paracord/scheduler/batches.h"
#include "paracord/scheduler/placement.h"

namespace paracord::cluster::scheduling {

namespace {

SchedulerView::Node view_of(const Node& node) {
  const char* const state = node.is_draining ? "draining" : node.is_suspect ? "suspect" : "up";
  const NodeReport& report = node.report;
  return {node.session.peer,
          node.name,
          state,
          node.slots,
          node.lent,
          static_cast<std::uint32_t>(node.running.size),
          std::min(active_batches(node), usable_slots(node)),
          node.objects,
          node.object_bytes,
          report.memory_bytes,
          report.memory_limit,
          report.spilled_bytes,
          report.sent_bytes,
          report.received_bytes,
          report.workers_lost,
          node.waiting,
          usable_slots(node)};
}

SchedulerView::Client view_of(const Client& client) {
  return {client.session.peer, client.root->id,     client.name,
          client.root->weight, client.queued_tasks, client.running_tasks,
          client.done_tasks,   client.queued_bytes, client.slot_nanoseconds / 1e9};
}

}  // namespace

SchedulerView view_of(const State& state) {
  SchedulerView view = state.counters;
  view.now = state.now;
  view.epoch = state.epoch;
  view.queue_times = state.history.queue_times();
  for (const auto& node : state.nodes) {
    if (node != nullptr) view.nodes.push_back(view_of(*node));
  }
  for (const auto& client : state.clients) {
    if (client == nullptr) continue;
    view.clients.push_back(view_of(*client));
    for (const auto& [id, call] : client->calls) {
      const auto left = call->queued_tasks + call->running_tasks + call->to_come;
      view.tasks_queued += call->queued_tasks;
      view.tasks_running += call->running_tasks;
      view.demand_seconds += static_cast<double>(left) * cost_of_task(state, *call) / 1e9;
    }
  }
  return view;
}

}  // namespace paracord::cluster::scheduling
