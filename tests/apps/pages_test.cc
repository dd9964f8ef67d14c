// What the daemons show over HTTP.

#include <httplib.h>

#include <nlohmann/json.hpp>

#include "paracord/apps/http_server.h"
#include "paracord/tests/backends/zeromq/local_cluster.h"

namespace paracord::cluster_tests {
namespace {

using apps::HttpServer;

int squared(int i) {
  return i * i;
}
int fails(int i) {
  if (i % 2 == 1) throw std::runtime_error("odd \xff numbers");
  return i;
}
int takes_memory(int megabytes) {
  std::vector<char> memory(std::size_t(megabytes) << 20, 'x');
  std::this_thread::sleep_for(std::chrono::seconds(megabytes > 100 ? 60 : 0));
  return memory[memory.size() / 2];
}

struct Pages : testing::Test {
  httplib::Client client(const std::string& daemon) {
    EXPECT_TRUE(
        eventually([&] { return cluster.log(daemon).find("pages on ") != std::string::npos; }));
    const std::string log = cluster.log(daemon);
    const std::size_t begin = log.find("pages on ") + 9;
    return httplib::Client(log.substr(begin, log.find('\n', begin) - begin));
  }
  std::string get(const std::string& daemon, const std::string& path) {
    const auto got = client(daemon).Get(path.c_str());
    return got ? got->body : "no answer";
  }
  int status(const std::string& daemon, const std::string& path) {
    const auto got = client(daemon).Get(path.c_str());
    return got ? got->status : -1;
  }
  double metric(const std::string& daemon, const std::string& name) {
    std::istringstream lines(get(daemon, "/metrics"));
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(name + " ")) return std::stod(line.substr(name.size() + 1));
    }
    return -1;
  }
  void start(std::vector<std::string> for_node = {}) {
    cluster.start_scheduler({"--http", "127.0.0.1:0"});
    for_node.insert(for_node.end(), {"--http", "127.0.0.1:0", "--data-listen",
                                     "ipc://" + cluster.folder() + "/d-one"});
    cluster.start_node("one", 2, for_node);
  }
  LocalCluster cluster;
};

TEST_F(Pages, CountWhatHasRun) {
  start();
  (void)Parallel(cluster.options())(tasks(1000, [](int i) { return delayed<squared>(i); }));
  EXPECT_TRUE(eventually([&] { return metric("scheduler", "paracord_tasks_done_total") == 1000; }));
  EXPECT_EQ(metric("scheduler", "paracord_nodes{state=\"up\"}"), 1);
  EXPECT_EQ(metric("scheduler", "paracord_slots"), 2);
  EXPECT_EQ(metric("scheduler", "paracord_tasks{state=\"queued\"}"), 0);
  EXPECT_GE(metric("scheduler", "paracord_queue_seconds_count"), 1);
  EXPECT_TRUE(eventually([&] { return metric("one", "paracord_node_tasks_done_total") == 1000; }));
  EXPECT_EQ(metric("one", "paracord_node_connected"), 1);
  EXPECT_EQ(metric("one", "paracord_node_slots"), 2);
}

TEST_F(Pages, TellFunctionsAndErrors) {
  start();
  (void)Parallel(cluster.options()).outcomes(tasks(10, [](int i) { return delayed<fails>(i); }));
  EXPECT_TRUE(eventually([&] {
    const auto state = nlohmann::json::parse(get("scheduler", "/api/state"), nullptr, false);
    return !state.is_discarded() && state["tasks"]["failed"] == 5;
  }));
  const auto state = nlohmann::json::parse(get("scheduler", "/api/state"));
  EXPECT_NE(state["failures"][0]["text"].get<std::string>().find("odd"), std::string::npos);
  EXPECT_EQ(state["failures"][0]["node"], "one");
  EXPECT_NE(state["functions"][0]["name"].get<std::string>().find("fails"), std::string::npos);
  EXPECT_EQ(state["functions"][0]["failed"], 5);
  EXPECT_FALSE(state["ended"].empty());
  EXPECT_NE(get("scheduler", "/").find("<title>Paracord</title>"), std::string::npos);
}

// A node's life does not hang on the scheduler's.
TEST_F(Pages, SayWhoIsHealthyAndReady) {
  start();
  EXPECT_EQ(status("scheduler", "/healthz"), 200);
  EXPECT_EQ(status("scheduler", "/readyz"), 200);
  cluster.kill("scheduler");
  EXPECT_EQ(status("one", "/healthz"), 200);
  EXPECT_EQ(status("one", "/readyz"), 200);
  EXPECT_TRUE(eventually([&] { return metric("one", "paracord_node_connected") == 0; }));
}

TEST_F(Pages, DrainWaitsUntilTheNodeHasEnded) {
  start();
  const std::string log = cluster.log("one");
  EXPECT_EQ(status("one", "/readyz"), 200);
  const std::size_t begin = cluster.log("one").find("pages on http://") + 16;
  const std::string line = cluster.log("one").substr(begin);
  const std::string address = line.substr(0, line.find('\n'));
  // What a browser would send for another site's page.
  EXPECT_EQ(client("one").Post("/drain", "", "text/plain")->status, 403);
  EXPECT_EQ(status("one", "/readyz"), 200);
  EXPECT_EQ(cluster.run("drain --http " + address + " --timeout 30"), "");
  EXPECT_EQ(cluster.last_exit(), 0);
  EXPECT_EQ(cluster.wait("one"), 0);
  EXPECT_NE(cluster.run("drain --http " + address).find("no node answers"), std::string::npos);
  EXPECT_EQ(cluster.last_exit(), 1);
}

TEST_F(Pages, CheckRunsRealWork) {
  start();
  EXPECT_NE(cluster.run("check --tasks 100 --scheduler " + cluster.address())
                .find("100 tasks on the cluster at " + cluster.address() + ": all right"),
            std::string::npos);
  EXPECT_EQ(cluster.last_exit(), 0);
  EXPECT_NE(cluster.run("check --timeout 0.5 --scheduler ipc:///tmp/no-such-socket")
                .find("no scheduler answers"),
            std::string::npos);
  EXPECT_EQ(cluster.last_exit(), 1);
}

TEST_F(Pages, AWorkerThatTakesTooMuchMemoryCostsItsTask) {
  start({"--worker-memory-megabytes", "300"});
  const auto outcomes = Parallel(cluster.options()).outcomes(tasks(3, [](int i) {
    return delayed<takes_memory>(i == 1 ? 600 : 10);
  }));
  EXPECT_TRUE(outcomes[0].has_value());
  EXPECT_TRUE(outcomes[2].has_value());
  try {
    (void)outcomes[1].value();
    ADD_FAILURE() << "it was let";
  } catch (const WorkerLostError& error) {
    EXPECT_TRUE(error.loss().out_of_memory);
    EXPECT_NE(std::string(error.what()).find("and may take 300"), std::string::npos)
        << error.what();
  }
  EXPECT_TRUE(
      eventually([&] { return metric("one", "paracord_node_workers_over_memory_total") == 1; }));
}

// --- the server ---

struct Server : testing::Test {
  std::string start(std::string token) {
    server = std::make_unique<HttpServer>(HttpServer::Options{"127.0.0.1:0", std::move(token)});
    server->get("/open", HttpServer::Access::open, [] { return HttpServer::Reply{"open"}; });
    server->get("/", HttpServer::Access::guarded, [] { return HttpServer::Reply{"secret"}; });
    return server->start();
  }
  // As from elsewhere: under a name that is not this machine's loopback.
  static int status(httplib::Client& client, const char* path, httplib::Headers headers = {}) {
    headers.emplace("Host", "cluster.example:7780");
    return client.Get(path, headers)->status;
  }
  std::unique_ptr<HttpServer> server;
};

TEST_F(Server, ShowsTasksToThisMachineAndToWhoeverHasTheToken) {
  const std::string token = "0123456789abcdef0123";
  httplib::Client client(start(token));
  EXPECT_EQ(client.Get("/")->body, "secret");
  EXPECT_EQ(status(client, "/open"), 200);
  EXPECT_EQ(status(client, "/"), 401);
  EXPECT_EQ(status(client, "/", {{"Authorization", "Bearer wrong"}}), 401);
  EXPECT_EQ(status(client, "/", {{"Authorization", "Bearer " + token}}), 200);
  const auto login = client.Post("/login", "token=" + token, "application/x-www-form-urlencoded");
  ASSERT_EQ(login->status, 303);
  EXPECT_EQ(status(client, "/", {{"Cookie", "paracord_token=" + token}}), 200);
  EXPECT_EQ(login->get_header_value("Set-Cookie").find("paracord_token=" + token), 0u);
}

TEST_F(Server, ShowsTasksToThisMachineOnlyWhereThereIsNoToken) {
  httplib::Client client(start(""));
  EXPECT_EQ(client.Get("/")->status, 200);
  EXPECT_EQ(status(client, "/"), 403);
  EXPECT_EQ(status(client, "/", {{"Authorization", "Bearer "}}), 403);
}

TEST_F(Server, RefusesGarbage) {
  httplib::Client client(start(""));
  EXPECT_EQ(client.Get("/none")->status, 404);
  EXPECT_EQ(client.Post("/login", std::string(1 << 20, 'x'), "text/plain")->status, 413);
  EXPECT_EQ(client.Get("/open")->status, 200);
}

TEST(HttpAddress, IsAHostAndAPort) {
  using apps::split_address;
  EXPECT_EQ(split_address("127.0.0.1:80"), std::pair(std::string("127.0.0.1"), 80));
  EXPECT_EQ(split_address("[::]:7780"), std::pair(std::string("::"), 7780));
  for (const char* wrong : {"", "80", ":80", "host", "host:", "host:x", "host:70000", "::1:80"})
    EXPECT_THROW((void)split_address(wrong), std::invalid_argument) << wrong;
}

TEST(HttpToken, IsReadFromAFileOfItsOwnerOnly) {
  const std::string path = testing::TempDir() + "/token-" + std::to_string(getpid());
  std::ofstream(path) << "0123456789abcdef\nmore\n";
  chmod(path.c_str(), 0644);
  EXPECT_THROW((void)apps::read_token(path), std::invalid_argument);
  chmod(path.c_str(), 0600);
  EXPECT_EQ(apps::read_token(path), "0123456789abcdef");
  std::ofstream(path) << "short\n";
  EXPECT_THROW((void)apps::read_token(path), std::invalid_argument);
  std::filesystem::remove(path);
  EXPECT_THROW((void)apps::read_token(path), std::invalid_argument);
}

}  // namespace
}  // namespace paracord::cluster_tests
