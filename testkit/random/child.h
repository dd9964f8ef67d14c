#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace paracord::testkit::random {

/// A child process that makes calls, and what it has said so far.
///
/// Threads: one.
class Child {
 public:
  using Clock = std::chrono::steady_clock;
  /// This program with other arguments; what it prints is dropped. Throws std::runtime_error where
  /// it cannot be started.
  explicit Child(std::vector<std::string> arguments);
  Child(const Child&) = delete;
  ~Child();

  /// The next line; none when it has ended, or has said nothing until then.
  bool next_line(std::string& line, Clock::time_point deadline);
  /// How it has ended: empty where it was in order. Call once next_line() has said no more.
  std::string end();

 private:
  pid_t pid_ = 0;
  int from_ = -1;
  bool hangs_ = false;
  std::string text_;
};

}  // namespace paracord::testkit::random
