#pragma once

#include <memory>
#include <string>

#include "paracord/apps/http_server.h"
#include "paracord/backends/zeromq/node_agent.h"
#include "paracord/scheduler/server/scheduler_server.h"

namespace CLI {
class App;
}

/// The daemons' pages: /metrics, /healthz and /readyz for machines; a scheduler's / and /api/state
/// for people.
namespace paracord::apps {

struct HttpOptions {
  std::string address, token_file;
};
/// --http, and where `with_token` --http-token-file.
void add_http(CLI::App& command, HttpOptions& options, bool with_token);

/// Null where no address was given. Throws what HttpServer throws.
std::unique_ptr<HttpServer> serve_pages(const HttpOptions& options,
                                        cluster::SchedulerServer& server);
std::unique_ptr<HttpServer> serve_pages(const HttpOptions& options, cluster::NodeAgent& agent);

}  // namespace paracord::apps
