#include "paracord/apps/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <limits>
#include <sstream>
#include <utility>
#include <vector>

namespace paracord::apps {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

class Page {
 public:
  void gauge(const char* name, const char* help, double value) {
    family(name, help, MetricType::Gauge).metric.emplace_back().gauge.value = value;
  }
  void counter(const char* name, const char* help, double value) {
    family(name, help, MetricType::Counter).metric.emplace_back().counter.value = value;
  }
  // One gauge for each value of a label.
  void gauges(const char* name, const char* help, const char* label,
              const std::vector<std::pair<const char*, double>>& values) {
    MetricFamily& all = family(name, help, MetricType::Gauge);
    for (const auto& [text, value] : values) {
      ClientMetric& metric = all.metric.emplace_back();
      metric.label.push_back({label, text});
      metric.gauge.value = value;
    }
  }
  void histogram(const char* name, const char* help,
                 const cluster::SchedulerView::QueueTimes& times) {
    auto& all = family(name, help, MetricType::Histogram).metric.emplace_back().histogram;
    for (std::size_t i = 0; i != times.counts.size(); ++i) {
      all.sample_count += times.counts[i];
      const double bound =
          i < times.bounds.size() ? times.bounds[i] : std::numeric_limits<double>::infinity();
      all.bucket.push_back({all.sample_count, bound});
    }
    all.sample_sum = times.seconds;
  }
  std::string text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return out.str();
  }

 private:
  MetricFamily& family(const char* name, const char* help, MetricType type) {
    MetricFamily& added = families_.emplace_back();
    added.name = std::string("paracord_") + name;
    added.help = help;
    added.type = type;
    return added;
  }
  std::vector<MetricFamily> families_;
};

double number(std::uint64_t value) {
  return static_cast<double>(value);
}

double seconds(cluster::Time time) {
  return std::chrono::duration<double>(time).count();
}

double free_shared_memory() {
  struct statvfs about {};
  if (statvfs("/dev/shm", &about) != 0) return 0;
  return static_cast<double>(about.f_bavail) * static_cast<double>(about.f_frsize);
}

}  // namespace

std::string scheduler_metrics(const cluster::SchedulerServer::Seen& seen) {
  const cluster::SchedulerView& view = seen.view;
  const auto nodes_in = [&](const char* state) {
    return static_cast<double>(
        std::count_if(view.nodes.begin(), view.nodes.end(),
                      [&](const auto& node) { return node.state == state; }));
  };
  double slots = 0, busy = 0, objects = 0;
  for (const auto& node : view.nodes) {
    slots += node.slots;
    busy += node.busy;
    objects += number(node.object_bytes);
  }
  Page page;
  page.gauges("tasks", "Tasks by what they wait for", "state",
              {{"queued", number(view.tasks_queued)}, {"assigned", number(view.tasks_running)}});
  page.counter("tasks_done_total", "Tasks that have run", number(view.tasks_done));
  page.counter("tasks_failed_total", "Tasks that have run and failed, as nodes tell",
               number(view.tasks_failed));
  page.counter("tasks_returned_total",
               "Tasks that came back without having run, or lost with nodes",
               number(view.tasks_returned));
  page.gauges("nodes", "Nodes by state", "state",
              {{"up", nodes_in("up")},
               {"suspect", nodes_in("suspect")},
               {"draining", nodes_in("draining")}});
  page.counter("nodes_lost_total", "Nodes that fell silent for too long, or left",
               number(view.nodes_lost));
  page.gauge("clients", "Clients that are connected", static_cast<double>(view.clients.size()));
  page.counter("clients_lost_total", "Clients that fell silent for too long",
               number(view.clients_lost));
  page.gauge("slots", "Tasks that the nodes can run at once", slots);
  page.gauge("slots_busy", "Slots that have a task", busy);
  page.gauge("demand_seconds", "Work left, in seconds of one slot", view.demand_seconds);
  page.histogram("queue_seconds", "How long batches of tasks have waited for a node",
                 view.queue_times);
  page.gauge("queue_bytes", "Of tasks that wait here", number(view.payload_bytes));
  page.gauge("object_bytes", "Of arrays that nodes hold, each node's counted", objects);
  page.counter("lost_packets_total", "Packets that could not be sent",
               number(seen.links.lost_packets));
  page.counter("banned_peers_total", "Peers that said what nobody says",
               number(seen.links.banned_peers));
  page.counter("refused_keys_total", "Connections with a key that is not admitted",
               number(seen.links.refused_keys));
  page.gauge("relay_connections", "Connections that are passed on to nodes",
             number(seen.relay.connections));
  page.counter("relay_bytes_total", "Passed on between peers and nodes that they do not reach",
               number(seen.relay.bytes));
  page.counter("relay_refused_total", "Connections that were not passed on",
               number(seen.relay.refused));
  page.counter("resyncs_total", "Times that a peer had to tell all anew", number(view.resyncs));
  page.gauge("loop_lag_seconds", "How long the last turn of the scheduler's loop took",
             seconds(seen.loop_lag));
  return page.text();
}

std::string node_metrics(const cluster::NodeAgent::Seen& seen) {
  Page page;
  page.gauge("node_slots", "Tasks that run at once", seen.slots);
  page.gauge("node_busy_slots", "Slots that have a task", seen.busy);
  page.counter("node_tasks_done_total", "Tasks that have run", number(seen.tasks_done));
  page.gauge("node_batches", "Batches of tasks that are here", number(seen.batches));
  page.gauge("node_held_result_bytes", "Of results that clients have not taken",
             number(seen.held_result_bytes));
  page.gauges(
      "node_store_bytes", "Of arrays in the object store", "kind",
      {{"memory", number(seen.store.memory_bytes)}, {"spilled", number(seen.store.spilled_bytes)}});
  page.gauge("node_store_limit_bytes", "Of memory that the object store may take",
             number(seen.store.memory_limit));
  page.counter("node_store_evictions_total", "Arrays that left the store to make room",
               number(seen.store.evictions));
  page.counter("node_sent_bytes_total", "Of arrays and programs", number(seen.sent_bytes));
  page.counter("node_received_bytes_total", "Of arrays and programs", number(seen.received_bytes));
  page.counter("node_borrowed_bytes_total",
               "Of arrays that were looked at where clients on this machine have them",
               number(seen.borrowed_bytes));
  page.counter("node_workers_lost_total", "Worker processes that ended while they ran a task",
               number(seen.workers_lost));
  page.counter("node_workers_over_memory_total", "Of these: that took more memory than they may",
               number(seen.workers_over_memory));
  page.gauge("node_connected", "Whether the scheduler has welcomed the node",
             seen.state == "connecting" ? 0 : 1);
  page.gauge("node_draining", "Whether it takes no new work", seen.state == "draining" ? 1 : 0);
  page.gauge("node_shm_free_bytes", "Left in /dev/shm", free_shared_memory());
  return page.text();
}

}  // namespace paracord::apps
