// Keys as secrets of a Kubernetes namespace, with an API that is played here.

#include "paracord/apps/kubernetes_secrets.h"

#include <gtest/gtest.h>
#include <httplib.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

namespace paracord::apps {
namespace {

class KubernetesApi : public testing::Test {
 protected:
  void SetUp() override {
    account_ = testing::TempDir() + "/account-" + std::to_string(getpid());
    std::filesystem::create_directories(account_);
    std::ofstream(account_ + "/token") << "the-token\n";
    std::ofstream(account_ + "/namespace") << "here";
    const auto admitted = [this](const httplib::Request& request, httplib::Response& response) {
      if (request.get_header_value("Authorization") == "Bearer the-token" && !forbids_) return true;
      response.status = 403;
      response.set_content("no", "text/plain");
      return false;
    };
    server_.Get(R"(/api/v1/namespaces/here/secrets/(.+))",
                [this, admitted](const httplib::Request& request, httplib::Response& response) {
                  if (!admitted(request, response)) return;
                  response.status = secrets_.contains(request.matches[1]) ? 200 : 404;
                });
    server_.Post("/api/v1/namespaces/here/secrets",
                 [this, admitted](const httplib::Request& request, httplib::Response& response) {
                   if (!admitted(request, response)) return;
                   const auto secret = nlohmann::json::parse(request.body);
                   const std::string name = secret["metadata"]["name"];
                   response.status = secrets_.emplace(name, secret).second ? 201 : 409;
                 });
    server_.Put(R"(/api/v1/namespaces/here/secrets/(.+))",
                [this, admitted](const httplib::Request& request, httplib::Response& response) {
                  if (!admitted(request, response)) return;
                  secrets_[request.matches[1]] = nlohmann::json::parse(request.body);
                  response.status = 200;
                });
    const int port = server_.bind_to_any_port("127.0.0.1");
    url_ = "http://127.0.0.1:" + std::to_string(port);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~KubernetesApi() override {
    server_.stop();
    thread_.join();
    std::filesystem::remove_all(account_);
  }
  // What the command prints; its exit code in `exit_code_`.
  std::string keygen() {
    const std::string command = std::string("'" PARACORD_COMMAND "'") +
                                " keygen --kubernetes-secrets my-keys --kubernetes-api " + url_ +
                                " --kubernetes-service-account " + account_ +
                                " --kubernetes-label a=b 2>&1";
    FILE* pipe = popen(command.c_str(), "r");
    std::string text;
    char buffer[4096];
    while (std::size_t count = fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, count);
    exit_code_ = WEXITSTATUS(pclose(pipe));
    return text;
  }

  httplib::Server server_;
  std::thread thread_;
  std::string url_, account_;
  std::map<std::string, nlohmann::json> secrets_;
  bool forbids_ = false;
  int exit_code_ = -1;
};

TEST_F(KubernetesApi, HasTheKeysOfARoleEach) {
  keygen();
  EXPECT_EQ(exit_code_, 0);
  ASSERT_EQ(secrets_.size(), 3u);
  const auto& scheduler = secrets_.at("my-keys-scheduler");
  EXPECT_EQ(scheduler["metadata"]["labels"]["a"], "b");
  EXPECT_TRUE(scheduler["stringData"].contains("scheduler.secret"));
  EXPECT_FALSE(scheduler["stringData"].contains("node.secret"));
  const auto& node = secrets_.at("my-keys-node")["stringData"];
  const auto& client = secrets_.at("my-keys-client")["stringData"];
  EXPECT_FALSE(node.contains("scheduler.secret"));
  EXPECT_FALSE(client.contains("node.secret"));
  EXPECT_EQ(node["scheduler.public"], scheduler["stringData"]["scheduler.public"]);
  EXPECT_EQ(node["node.public"], scheduler["stringData"]["node.public"]);
}

// Its letters are what a client of HTTP may stumble over.
TEST_F(KubernetesApi, IsReachedByAnIpv6Address) {
  url_.replace(url_.find("127.0.0.1"), 9, "[::ffff:127.0.0.1]");
  const std::string output = keygen();
  EXPECT_EQ(exit_code_, 0) << output;
  EXPECT_EQ(secrets_.size(), 3u);
}

TEST_F(KubernetesApi, KeepsKeysThatAreThere) {
  keygen();
  const auto before = secrets_;
  EXPECT_NE(keygen().find("all keys are kept"), std::string::npos);
  EXPECT_EQ(exit_code_, 0);
  EXPECT_EQ(secrets_, before);
}

// The last one says that all are there.
TEST_F(KubernetesApi, IsGivenAllAnewAfterARunThatWasCutOff) {
  keygen();
  const auto before = secrets_;
  secrets_.erase("my-keys-scheduler");
  keygen();
  EXPECT_EQ(exit_code_, 0);
  EXPECT_NE(secrets_.at("my-keys-node"), before.at("my-keys-node"));
  EXPECT_EQ(secrets_.at("my-keys-node")["stringData"]["scheduler.public"],
            secrets_.at("my-keys-scheduler")["stringData"]["scheduler.public"]);
}

TEST_F(KubernetesApi, SaysWhyItRefuses) {
  forbids_ = true;
  EXPECT_NE(keygen().find("the Kubernetes API says 403: no"), std::string::npos);
  EXPECT_EQ(exit_code_, 1);
}

TEST(KubernetesSecrets, AreOfPodsOnly) {
  KubernetesSecrets::Options options;
  options.service_account = "/nowhere";
  EXPECT_THROW(KubernetesSecrets{options}, std::runtime_error);
}

}  // namespace
}  // namespace paracord::apps
