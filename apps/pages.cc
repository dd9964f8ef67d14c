#include "paracord/apps/pages.h"

#include <CLI/CLI.hpp>
#include <chrono>

#include "paracord/apps/commands.h"
#include "paracord/apps/dashboard.h"
#include "paracord/apps/metrics.h"
#include "paracord/apps/status_report.h"
#include "paracord/transport/clock.h"

namespace paracord::apps {

namespace {

using Access = HttpServer::Access;
using Reply = HttpServer::Reply;

constexpr const char* metrics_type = "text/plain; version=0.0.4; charset=utf-8";
// A turn may wait for a worker that is being killed; a loop that stands still never comes back.
constexpr auto longest_turn = std::chrono::seconds(60);

Reply healthy(bool is_healthy, const char* trouble) {
  if (is_healthy) return {"ok\n"};
  return {std::string(trouble) + "\n", "text/plain; charset=utf-8", 503};
}

std::unique_ptr<HttpServer> server_of(const HttpOptions& options) {
  HttpServer::Options server{options.address, ""};
  if (!options.token_file.empty()) server.token = read_token(options.token_file);
  return std::make_unique<HttpServer>(std::move(server));
}

}  // namespace

void add_http(CLI::App& command, HttpOptions& options, bool with_token) {
  command
      .add_option("--http", options.address,
                  "HOST:PORT, say 127.0.0.1:7780: serve /metrics, /healthz, /readyz" +
                      std::string(with_token ? ", and the dashboard [nothing]" : " [nothing]"))
      ->envname("PARACORD_HTTP");
  if (!with_token) return;
  command
      .add_option("--http-token-file", options.token_file,
                  "Whoever has the token in its first line sees the dashboard from elsewhere, too")
      ->envname("PARACORD_HTTP_TOKEN_FILE");
}

std::unique_ptr<HttpServer> serve_pages(const HttpOptions& options,
                                        cluster::SchedulerServer& server) {
  if (options.address.empty()) return nullptr;
  auto http = server_of(options);
  http->get("/metrics", Access::open, [&server] {
    return Reply{scheduler_metrics(server.see()), metrics_type};
  });
  const auto alive = [&server] {
    return healthy(server.see().is_fresh, "the scheduler's loop stands still");
  };
  http->get("/healthz", Access::open, alive);
  http->get("/readyz", Access::open, alive);
  http->get("/", Access::guarded, [] { return Reply{dashboard_page, "text/html; charset=utf-8"}; });
  http->get("/api/state", Access::guarded, [&server] {
    const auto seen = server.see(true);
    return Reply{state_as_json(seen.view, seen.links), "application/json"};
  });
  log_line("scheduler: pages on " + http->start());
  return http;
}

std::unique_ptr<HttpServer> serve_pages(const HttpOptions& options, cluster::NodeAgent& agent) {
  if (options.address.empty()) return nullptr;
  auto http = server_of(options);
  http->get("/metrics", Access::open, [&agent] {
    return Reply{node_metrics(agent.see()), metrics_type};
  });
  http->get("/healthz", Access::open, [&agent] {
    return healthy(cluster::now() - agent.see().turned < longest_turn,
                   "the node's loop stands still");
  });
  // Whether there is a scheduler is not the node's business: it waits for one.
  http->get("/readyz", Access::open, [&agent] {
    return healthy(agent.see().state != "draining", "draining: no new work is taken");
  });
  http->post("/drain", Access::local, [&agent] {
    agent.drain();
    return Reply{"draining\n"};
  });
  log_line("node: pages on " + http->start());
  return http;
}

}  // namespace paracord::apps
