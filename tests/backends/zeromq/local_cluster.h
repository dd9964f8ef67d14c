#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "paracord/tests/backends/processes/process_tasks.h"

extern char** environ;

/// A cluster of real daemons, in a folder of its own.
namespace paracord::cluster_tests {

using process_tests::eventually;
using process_tests::is_a;
using process_tests::tasks;
using process_tests::text_of;

class LocalCluster {
 public:
  LocalCluster() {
    std::string pattern = "/tmp/pc-XXXXXX";  // short: a socket's path has 107 characters
    folder_ = mkdtemp(pattern.data());
    address_ = "ipc://" + folder_ + "/s";
  }
  LocalCluster(const LocalCluster&) = delete;
  ~LocalCluster() {
    for (const auto& [name, pid] : pids_) {
      ::kill(pid, SIGCONT);
      ::kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
    if (testing::Test::HasFailure()) {
      for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
        if (entry.path().extension() == ".log")
          std::fprintf(stderr, "--- %s\n%s", entry.path().c_str(),
                       log(entry.path().stem()).c_str());
      }
    }
    std::filesystem::remove_all(folder_);
  }

  const std::string& address() const { return address_; }
  const std::string& folder() const { return folder_; }
  void set_address(std::string address) { address_ = std::move(address); }

  void start(const std::string& name, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), PARACORD_COMMAND);
    arguments.insert(arguments.begin(), wrapper_.begin(), wrapper_.end());
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    const std::string log = folder_ + "/" + name + ".log";
    posix_spawn_file_actions_addopen(&files, 2, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_addopen(&files, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    int pid = 0;
    ASSERT_EQ(posix_spawnp(&pid, pointers.front(), &files, nullptr, pointers.data(), environ), 0);
    posix_spawn_file_actions_destroy(&files);
    pids_[name] = pid;
  }
  void start_scheduler(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"scheduler", "--listen", address_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    start("scheduler", arguments);
    ASSERT_TRUE(eventually([&] { return log("scheduler").find("ready on") != std::string::npos; }));
  }
  void start_node(const std::string& name, int slots = 1, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"node",
                                       "--scheduler",
                                       address_,
                                       "--name",
                                       name,
                                       "--slots",
                                       std::to_string(slots),
                                       "--cache-folder",
                                       folder_ + "/cache-" + name};
    arguments.insert(arguments.end(), more.begin(), more.end());
    if (more.empty()) {
      arguments.push_back("--data-listen");
      arguments.push_back("ipc://" + folder_ + "/d-" + name);
    }
    start(name, arguments);
  }
  void signal(const std::string& name, int number) { ::kill(pids_.at(name), number); }
  void kill(const std::string& name) {
    signal(name, SIGKILL);
    (void)wait(name);
  }
  /// How it ended: its exit code, or −1 for a signal.
  int wait(const std::string& name) {
    int status = 0;
    waitpid(pids_.at(name), &status, 0);
    pids_.erase(name);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string log(const std::string& name) const {
    std::ifstream file(folder_ + "/" + name + ".log");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  /// What the command prints.
  std::string run(const std::string& arguments) const {
    const std::string command = std::string("'" PARACORD_COMMAND "' ") + arguments + " 2>&1";
    FILE* pipe = popen(command.c_str(), "r");
    std::string text;
    char buffer[4096];
    while (std::size_t count = fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, count);
    last_exit_ = WEXITSTATUS(pclose(pipe));
    return text;
  }
  int last_exit() const { return last_exit_; }

  ParallelOptions options(ZeromqOptions zeromq = {}) const {
    zeromq.scheduler = address_;
    ParallelOptions options;
    options.backend = "zeromq";
    options.backend_options = zeromq;
    return options;
  }
  int pid(const std::string& name) const { return pids_.at(name); }
  /// What is started from now on is started by this command.
  void wrap_in(std::vector<std::string> command) { wrapper_ = std::move(command); }

 private:
  std::string folder_, address_;
  std::vector<std::string> wrapper_;
  std::map<std::string, int> pids_;
  mutable int last_exit_ = 0;
};

/// Tasks write to these files that they have run, one line each.
class Ledger {
 public:
  explicit Ledger(const std::string& folder) : path_(folder + "/runs") {
    std::ofstream file(path_);
  }
  const std::string& path() const { return path_; }
  static void note(const std::string& path, int task) {
    const std::string line = std::to_string(task) + "\n";
    const int fd = open(path.c_str(), O_WRONLY | O_APPEND);
    (void)!write(fd, line.data(), line.size());
    close(fd);
  }
  std::map<int, int> runs() const {
    std::map<int, int> runs;
    std::ifstream file(path_);
    for (int task = 0; file >> task;) ++runs[task];
    return runs;
  }

 private:
  std::string path_;
};

}  // namespace paracord::cluster_tests
