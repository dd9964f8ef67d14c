#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// What the machine allows between processes and in shared memory: the bounds of the rows of groups
/// `processes` and `memmap`. Each function measures once; call it in turn with what it bounds.
namespace paracord::bench {

/// Another process that answers 64-byte messages through a shared page: spins for a while, then
/// sleeps on a futex. `spins` = 0 sleeps at once. Forked; it ends with this object.
class Echo {
 public:
  explicit Echo(int spins);
  Echo(const Echo&) = delete;
  ~Echo();
  void round_trip();

 private:
  struct Page;
  Page* page_;
  int spins_;
  int pid_;
};

/// Processes that answer 64-byte messages over unix socket pairs, one message at a time each.
class SocketFarm {
 public:
  explicit SocketFarm(int workers);
  SocketFarm(const SocketFarm&) = delete;
  ~SocketFarm();
  void run(int tasks);

 private:
  struct Worker {
    int fd, pid;
  };
  std::vector<Worker> workers_;
};

/// What values by value cost at least: another process copies each out of a ring of 16 places in
/// shared memory, into a buffer that it uses again and again. Forked; it ends with this object.
class ValueRing {
 public:
  explicit ValueRing(std::size_t value_bytes);
  ValueRing(const ValueRing&) = delete;
  ~ValueRing();
  /// Copies these into the ring, one by one, and returns when all have been copied out.
  void pass(const std::vector<std::vector<double>>& values);

 private:
  static constexpr std::uint32_t places = 16;
  struct Page;
  std::size_t mapped_bytes() const;
  std::byte* place(std::uint32_t number) const;
  void serve();
  const std::size_t value_bytes_;
  Page* page_;
  int pid_;
};

/// Seconds from posix_spawn of this program with `argument` until its main has ended it.
double spawn_seconds(const std::string& argument);

/// Seconds to put `bytes` from `from` into a new file of /dev/shm, and to drop the file unmeasured.
double write_seconds(const void* from, std::size_t bytes);
double mapped_copy_seconds(const void* from, std::size_t bytes);

}  // namespace paracord::bench
