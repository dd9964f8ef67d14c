#include "paracord/apps/status_report.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace paracord::apps {

namespace {

using Json = nlohmann::json;

std::string line(const char* format, auto... values) {
  char text[256];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

double megabytes(const Json& bytes) {
  return bytes.get<double>() / (1024 * 1024);
}

// What people and tasks have written need not be UTF-8.
std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json status_of(const cluster::SchedulerView& view, const cluster::ControlServer::Counters& links) {
  Json status;
  status["epoch"] = view.epoch;
  status["tasks"] = {{"queued", view.tasks_queued},    {"running", view.tasks_running},
                     {"assigned", view.tasks_running}, {"done", view.tasks_done},
                     {"failed", view.tasks_failed},    {"returned", view.tasks_returned}};
  status["lost"] = {{"nodes", view.nodes_lost}, {"clients", view.clients_lost}};
  status["links"] = {{"resyncs", view.resyncs},
                     {"lost_packets", links.lost_packets},
                     {"banned_peers", links.banned_peers},
                     {"refused_keys", links.refused_keys}};
  status["payload_bytes"] = view.payload_bytes;
  status["demand_seconds"] = view.demand_seconds;
  status["nodes"] = Json::array();
  for (const auto& node : view.nodes) {
    status["nodes"].push_back({{"id", std::to_string(node.id)},
                               {"name", node.name},
                               {"state", node.state},
                               {"slots", node.slots},
                               {"lent", node.lent},
                               {"running", node.running},
                               {"busy", node.busy},
                               {"objects", node.objects},
                               {"object_bytes", node.object_bytes},
                               {"memory_bytes", node.memory_bytes},
                               {"memory_limit", node.memory_limit},
                               {"spilled_bytes", node.spilled_bytes},
                               {"sent_bytes", node.sent_bytes},
                               {"received_bytes", node.received_bytes},
                               {"workers_lost", node.workers_lost}});
  }
  status["clients"] = Json::array();
  for (const auto& client : view.clients) {
    status["clients"].push_back({{"id", std::to_string(client.id)},
                                 {"root", std::to_string(client.root)},
                                 {"name", client.name},
                                 {"weight", client.weight},
                                 {"queued", client.queued_tasks},
                                 {"running", client.running_tasks},
                                 {"done", client.done_tasks},
                                 {"queued_bytes", client.queued_bytes},
                                 {"slot_seconds", client.slot_seconds}});
  }
  return status;
}

}  // namespace

std::string status_as_json(const cluster::SchedulerView& view,
                           const cluster::ControlServer::Counters& links) {
  return text_of(status_of(view, links));
}

std::string state_as_json(const cluster::SchedulerView& view,
                          const cluster::ControlServer::Counters& links) {
  const auto ago = [&](cluster::Time at) {
    return std::chrono::duration<double>(view.now - at).count();
  };
  Json state = status_of(view, links);
  state["seconds"] = std::chrono::duration<double>(view.now).count();
  state["functions"] = Json::array();
  for (const auto& function : view.functions) {
    state["functions"].push_back({{"name", function.name},
                                  {"tasks", function.tasks},
                                  {"failed", function.failed},
                                  {"seconds", function.seconds}});
  }
  state["ended"] = Json::array();
  for (const auto& batch : view.ended) {
    state["ended"].push_back({{"node", std::to_string(batch.node)},
                              {"function", batch.function},
                              {"tasks", batch.tasks},
                              {"ago", ago(batch.at)},
                              {"seconds", batch.seconds}});
  }
  state["failures"] = Json::array();
  for (const auto& failure : view.failures) {
    state["failures"].push_back({{"function", failure.function},
                                 {"client", failure.client},
                                 {"node", failure.node},
                                 {"text", failure.text},
                                 {"tasks", failure.tasks},
                                 {"ago", ago(failure.at)}});
  }
  return text_of(state);
}

std::string status_as_table(const std::string& json) {
  const Json status = Json::parse(json, nullptr, false);
  if (status.is_discarded() || !status.contains("nodes"))
    throw std::runtime_error("the scheduler's answer is no status");
  std::string text = line("%-24s %-9s %6s %8s %6s %12s\n", "NODE", "STATE", "SLOTS", "BATCHES",
                          "LENT", "ARRAYS MiB");
  for (const Json& node : status["nodes"]) {
    text += line("%-24s %-9s %6u %8u %6u %12.1f\n", node["name"].get<std::string>().c_str(),
                 node["state"].get<std::string>().c_str(), node["slots"].get<unsigned>(),
                 node["running"].get<unsigned>(), node["lent"].get<unsigned>(),
                 megabytes(node["object_bytes"]));
  }
  text +=
      line("\n%-40s %9s %9s %11s %12s\n", "CLIENT", "QUEUED", "RUNNING", "DONE", "SLOT SECONDS");
  for (const Json& client : status["clients"]) {
    text += line("%-40s %9llu %9llu %11llu %12.1f\n", client["name"].get<std::string>().c_str(),
                 client["queued"].get<unsigned long long>(),
                 client["running"].get<unsigned long long>(),
                 client["done"].get<unsigned long long>(), client["slot_seconds"].get<double>());
  }
  text += line("\ntasks: %llu queued, %llu assigned, %llu done; work left: %.1f slot seconds\n",
               status["tasks"]["queued"].get<unsigned long long>(),
               status["tasks"]["assigned"].get<unsigned long long>(),
               status["tasks"]["done"].get<unsigned long long>(),
               status["demand_seconds"].get<double>());
  return text;
}

}  // namespace paracord::apps
