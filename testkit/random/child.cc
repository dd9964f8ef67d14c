#include "paracord/testkit/random/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace paracord::testkit::random {

Child::Child(std::vector<std::string> arguments) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe for a child process");
  from_ = ends[0];
  const int to = fcntl(ends[1], F_DUPFD, 100);
  close(ends[1]);
  arguments.insert(arguments.end(), {"--report-to", std::to_string(to)});
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;  // what tasks print is of no interest
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  const int error = posix_spawn(&pid_, "/proc/self/exe", &files, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  close(to);
  if (error != 0) throw std::runtime_error("the child process cannot be started");
}

Child::~Child() {
  end();
  close(from_);
}

bool Child::next_line(std::string& line, Clock::time_point deadline) {
  while (true) {
    const std::size_t end_of_line = text_.find('\n');
    if (end_of_line != std::string::npos) {
      line = text_.substr(0, end_of_line);
      text_.erase(0, end_of_line + 1);
      return true;
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd ready{from_, POLLIN, 0};
    const int count = left <= 0 ? 0 : poll(&ready, 1, static_cast<int>(left));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      hangs_ = true;
      return false;
    }
    char buffer[4096];
    const ssize_t read_now = read(from_, buffer, sizeof buffer);
    if (read_now < 0 && errno == EINTR) continue;
    if (read_now <= 0) return false;
    text_.append(buffer, static_cast<std::size_t>(read_now));
  }
}

std::string Child::end() {
  if (pid_ == 0) return {};
  if (hangs_) kill(-pid_, SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  kill(-pid_, SIGKILL);
  pid_ = 0;
  if (hangs_) return "it hangs";
  if (WIFSIGNALED(status)) return std::string("it crashes: ") + strsignal(WTERMSIG(status));
  if (WEXITSTATUS(status) > 1) return "it exits with " + std::to_string(WEXITSTATUS(status));
  return {};
}

}  // namespace paracord::testkit::random
