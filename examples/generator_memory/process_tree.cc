#include "process_tree.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace {

namespace fs = std::filesystem;

constexpr std::size_t bytes_per_kb = 1024;

fs::path folder_of(int pid) {
  return "/proc/" + std::to_string(pid);
}

// A process that has just ended has none, and no children.
std::size_t proportional_set_size(int pid) {
  std::ifstream summary(folder_of(pid) / "smaps_rollup");
  for (std::string word; summary >> word;) {
    if (word != "Pss:") continue;
    std::size_t kb = 0;
    summary >> kb;
    return kb * bytes_per_kb;
  }
  return 0;
}

// Each thread has its list of the children that it started.
std::vector<int> children_of(int pid) {
  std::vector<int> children;
  std::error_code gone;
  for (fs::directory_iterator thread(folder_of(pid) / "task", gone), end; !gone && thread != end;
       thread.increment(gone)) {
    std::ifstream list(thread->path() / "children");
    for (int child = 0; list >> child;) children.push_back(child);
  }
  return children;
}

std::size_t bytes_of_tree(int pid) {
  std::size_t bytes = proportional_set_size(pid);
  for (const int child : children_of(pid)) bytes += bytes_of_tree(child);
  return bytes;
}

bool check_that_the_system_tells() {
  for (const char* path : {"/proc/self/smaps_rollup", "/proc/thread-self/children"}) {
    if (!std::ifstream(path)) {
      throw std::runtime_error("the memory of processes cannot be measured: this system has no " +
                               std::string(path));
    }
  }
  return true;
}

}  // namespace

std::size_t process_tree_bytes() {
  [[maybe_unused]] static const bool checked = check_that_the_system_tells();
  return bytes_of_tree(getpid());
}
