#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "paracord/tests/backends/processes/process_tasks.h"

/// Networks of a test's own, joined by cables that it may cut. They have no names, and go with the
/// last process in them.
namespace paracord::cluster_tests {

inline bool run_command(const std::string& command) {
  return std::system(command.c_str()) == 0;
}

/// Moves this process into a new network. Returns why that cannot be; empty: it is there.
inline std::string enter_own_network() {
  if (!run_command("ip -V >/dev/null 2>&1 && nsenter -V >/dev/null 2>&1"))
    return "skipped: there is no ip, or no nsenter (packages iproute2, util-linux)";
  if (unshare(CLONE_NEWNET) != 0) return "skipped: this user may not make network namespaces";
  if (!run_command("ip link add probe type veth peer name eborp && ip link del probe"))
    return "skipped: this system has no virtual network cables";
  return run_command("ip link set up lo") ? "" : "the new network does not work";
}

/// Another network than this process's.
class Network {
 public:
  Network() {
    holder_ = fork();
    if (holder_ == 0) {
      if (unshare(CLONE_NEWNET) != 0) _exit(1);
      while (true) pause();
    }
    const auto own = std::filesystem::read_symlink("/proc/self/ns/net");
    const std::string its = "/proc/" + std::to_string(holder_) + "/ns/net";
    EXPECT_TRUE(
        process_tests::eventually([&] { return std::filesystem::read_symlink(its) != own; }));
    EXPECT_TRUE(run("ip link set up lo"));
  }
  Network(const Network&) = delete;
  ~Network() {
    ::kill(holder_, SIGKILL);
    waitpid(holder_, nullptr, 0);
  }
  /// What a command begins with that runs there.
  std::vector<std::string> prefix() const {
    return {"nsenter", "-t", std::to_string(holder_), "-n"};
  }
  bool run(const std::string& command) const {
    return run_command("nsenter -t " + std::to_string(holder_) + " -n " + command);
  }
  int holder() const { return holder_; }

 private:
  int holder_ = 0;
};

/// One end of a cable: in this process's network, or in another.
struct CableEnd {
  std::string name, address;
  const Network* network = nullptr;
  bool run(const std::string& command) const {
    return network == nullptr ? run_command(command) : network->run(command);
  }
};

inline void join(const CableEnd& one, const CableEnd& other) {
  ASSERT_TRUE(run_command("ip link add " + one.name + " type veth peer name " + other.name));
  for (const CableEnd* end : {&one, &other}) {
    if (end->network != nullptr) {
      ASSERT_TRUE(run_command("ip link set " + end->name + " netns " +
                              std::to_string(end->network->holder())));
    }
    ASSERT_TRUE(end->run("ip addr add " + end->address + "/24 dev " + end->name));
    ASSERT_TRUE(end->run("ip link set up " + end->name));
  }
}

}  // namespace paracord::cluster_tests
