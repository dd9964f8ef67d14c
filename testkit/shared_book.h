#pragma once

#include <atomic>
#include <memory>
#include <string>

namespace paracord::testkit {

/// What batches do that run in other processes, written by them into memory that this one sees.
struct SharedBook {
  std::atomic<int> begun{0}, ended{0}, running{0}, most_running{0};
  std::atomic<int> gate_open{0};

  /// In a file without a name.
  static std::shared_ptr<SharedBook> make();
  /// Where other processes of this user find that file while this process lives.
  static std::string path_of(const SharedBook& book);
  /// The book of another process.
  static std::shared_ptr<SharedBook> open(const std::string& path);

  void begin();
  void end();
  /// Asks now and then: the gate is opened in another process.
  void wait_at_gate() const;
};

/// What a recorder's batch does elsewhere.
int keep_book(const std::string& path, bool waits);

}  // namespace paracord::testkit
