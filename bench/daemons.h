#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

namespace paracord::bench {

/// A scheduler and nodes of one slot as processes of their own, over TCP on this machine; they end
/// with this object.
class Daemons {
 public:
  Daemons(std::string command, bool with_keys, int nodes,
          std::vector<std::string> of_scheduler = {})
      : command_(std::move(command)), keys_(with_keys ? folder_ + "/keys" : "") {
    if (with_keys &&
        std::system(("'" + command_ + "' keygen '" + keys_ + "' >/dev/null").c_str()) != 0)
      std::exit(1);
    const std::string anywhere = "tcp://127.0.0.1:*";
    std::vector<std::string> arguments{"scheduler", listen_option("--listen"), anywhere};
    arguments.insert(arguments.end(), of_scheduler.begin(), of_scheduler.end());
    start("scheduler", arguments);
    constexpr const char* mark = "ready on ";
    address_ = said("scheduler", mark);
    for (int i = 0; i != nodes; ++i) {
      const std::string name = "node" + std::to_string(i);
      start(name,
            {"node", "--scheduler", address_, "--name", name, "--slots", "1", "--cache-folder",
             folder_ + "/" + name, listen_option("--data-listen"), anywhere});
    }
  }
  Daemons(const Daemons&) = delete;
  ~Daemons() {
    for (auto pid = pids_.rbegin(); pid != pids_.rend(); ++pid) {
      kill(*pid, SIGTERM);
      waitpid(*pid, nullptr, 0);
    }
    std::filesystem::remove_all(folder_);
  }

  const std::string& address() const { return address_; }
  /// The folder with the client's keys; empty: none.
  const std::string& keys() const { return keys_; }
  void kill_last_node() { kill(pids_.back(), SIGKILL); }

 private:
  std::string listen_option(const char* with_keys) const {
    return keys_.empty() ? "--insecure-listen-without-keys" : with_keys;
  }
  static std::string new_folder() {
    std::string pattern = "/tmp/pb-XXXXXX";
    return mkdtemp(pattern.data());
  }
  void start(const std::string& name, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), command_);
    if (!keys_.empty()) arguments.insert(arguments.end(), {"--keys", keys_});
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    const std::string log = folder_ + "/" + name + ".log";
    const pid_t pid = fork();
    if (pid == 0) {
      const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      dup2(file, 1);
      dup2(file, 2);
      execv(pointers.front(), pointers.data());
      _exit(127);
    }
    pids_.push_back(pid);
  }
  // What stands behind `mark` in the log, to the end of the line.
  std::string said(const std::string& name, const std::string& mark) const {
    for (int look = 0; look != 1000; ++look) {
      std::ifstream file(folder_ + "/" + name + ".log");
      const std::string text(std::istreambuf_iterator<char>(file), {});
      const std::size_t at = text.find(mark);
      const std::size_t end = text.find('\n', at == std::string::npos ? 0 : at);
      if (at != std::string::npos && end != std::string::npos)
        return text.substr(at + mark.size(), end - at - mark.size());
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    std::fprintf(stderr, "the %s does not start\n", name.c_str());
    std::exit(1);
  }

  const std::string command_;
  const std::string folder_ = new_folder();
  const std::string keys_;
  std::string address_;
  std::vector<pid_t> pids_;
};

}  // namespace paracord::bench
