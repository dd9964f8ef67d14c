#include "paracord/bench/limits.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>

#include "paracord/backends/worker/shared_futex.h"
#include "paracord/bench/harness.h"

extern char** environ;

namespace paracord::bench {

namespace {

constexpr std::size_t message_bytes = 64;

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

void* map_shared(std::size_t bytes) {
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) give_up("mmap");
  return mapped;
}

// A child that runs `work` and ends, at the latest with this process.
int forked(const std::function<void()>& work) {
  const int parent = getpid();
  const int pid = fork();
  if (pid < 0) give_up("fork");
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() == parent) work();
  std::_Exit(0);
}

void end(int pid) {
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

// One direction between two processes.
struct Lane {
  alignas(64) std::atomic<std::uint32_t> count{0};
  std::atomic<std::uint32_t> sleeps{0};
  char message[message_bytes];

  void send(const char* text) {
    std::memcpy(message, text, message_bytes);
    advance();
  }
  void advance() {
    count.fetch_add(1, std::memory_order_seq_cst);
    if (sleeps.load(std::memory_order_seq_cst) != 0) detail::shared_futex_wake(count);
  }
  void wait_beyond(std::uint32_t seen, int spins) {
    for (int i = 0; i != spins; ++i) {
      if (count.load(std::memory_order_acquire) != seen) return;
      __builtin_ia32_pause();
    }
    sleeps.store(1, std::memory_order_seq_cst);
    while (count.load(std::memory_order_seq_cst) == seen) detail::shared_futex_wait(count, seen);
    sleeps.store(0, std::memory_order_relaxed);
  }
};

}  // namespace

struct Echo::Page {
  Lane there, back;
};

Echo::Echo(int spins) : spins_(spins) {
  page_ = ::new (map_shared(sizeof(Page))) Page;
  pid_ = forked([page = page_, spins] {
    for (std::uint32_t seen = 0;; ++seen) {
      page->there.wait_beyond(seen, spins);
      page->back.send(page->there.message);
    }
  });
}

Echo::~Echo() {
  end(pid_);
  munmap(page_, sizeof(Page));
}

void Echo::round_trip() {
  const std::uint32_t seen = page_->back.count.load();
  const char message[message_bytes] = {};
  page_->there.send(message);
  page_->back.wait_beyond(seen, spins_);
}

struct ValueRing::Page {
  Lane filled, emptied;
};

namespace {

constexpr int value_spins = 3000;
constexpr std::size_t page_bytes = 4096;

}  // namespace

ValueRing::ValueRing(std::size_t value_bytes) : value_bytes_(value_bytes) {
  static_assert(sizeof(Page) <= page_bytes);
  page_ = ::new (map_shared(mapped_bytes())) Page;
  pid_ = forked([this] { serve(); });
}

ValueRing::~ValueRing() {
  end(pid_);
  munmap(page_, mapped_bytes());
}

std::size_t ValueRing::mapped_bytes() const {
  return page_bytes + places * value_bytes_;
}

std::byte* ValueRing::place(std::uint32_t number) const {
  return reinterpret_cast<std::byte*>(page_) + page_bytes + number % places * value_bytes_;
}

void ValueRing::serve() {
  std::vector<std::byte> buffer(value_bytes_);
  for (std::uint32_t seen = 0;; ++seen) {
    page_->filled.wait_beyond(seen, value_spins);
    std::memcpy(buffer.data(), place(seen), value_bytes_);
    asm volatile("" : : "r"(buffer.data()) : "memory");
    page_->emptied.advance();
  }
}

void ValueRing::pass(const std::vector<std::vector<double>>& values) {
  std::uint32_t next = page_->filled.count.load();
  for (const auto& value : values) {
    page_->emptied.wait_beyond(next - places, value_spins);
    std::memcpy(place(next++), value.data(), value_bytes_);
    page_->filled.advance();
  }
  for (std::uint32_t left = places; left != 0; --left)
    page_->emptied.wait_beyond(next - left, value_spins);
}

SocketFarm::SocketFarm(int workers) {
  for (int i = 0; i != workers; ++i) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) give_up("socketpair");
    const int pid = forked([fd = ends[1]] {
      char message[message_bytes];
      while (read(fd, message, sizeof message) > 0) {
        if (write(fd, message, sizeof message) < 0) return;
      }
    });
    close(ends[1]);
    workers_.push_back({ends[0], pid});
  }
}

SocketFarm::~SocketFarm() {
  for (const Worker& worker : workers_) {
    close(worker.fd);
    end(worker.pid);
  }
}

void SocketFarm::run(int tasks) {
  char message[message_bytes] = {};
  int sent = 0, done = 0;
  std::vector<pollfd> waiting;
  for (const Worker& worker : workers_) {
    if (write(worker.fd, message, sizeof message) < 0) give_up("write");
    ++sent;
    waiting.push_back({worker.fd, POLLIN, 0});
  }
  while (done < sent) {
    poll(waiting.data(), waiting.size(), -1);
    for (const pollfd& worker : waiting) {
      if ((worker.revents & POLLIN) == 0) continue;
      if (read(worker.fd, message, sizeof message) <= 0) give_up("read");
      ++done;
      if (sent == tasks) continue;
      if (write(worker.fd, message, sizeof message) < 0) give_up("write");
      ++sent;
    }
  }
}

double spawn_seconds(const std::string& argument) {
  std::string program = "/proc/self/exe", given = argument;
  char* arguments[] = {program.data(), given.data(), nullptr};
  return seconds([&] {
    int pid = 0;
    if (posix_spawn(&pid, program.c_str(), nullptr, nullptr, arguments, environ) != 0)
      give_up("posix_spawn");
    waitpid(pid, nullptr, 0);
  });
}

namespace {

// A new file without a name.
struct ShmFile {
  int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  ShmFile() {
    if (fd < 0) give_up("/dev/shm");
  }
  ~ShmFile() { close(fd); }
};

}  // namespace

double write_seconds(const void* from, std::size_t bytes) {
  const ShmFile file;
  return seconds([&] {
    constexpr std::size_t at_once = std::size_t{16} << 20;
    for (std::size_t done = 0; done < bytes;) {
      const auto* next = static_cast<const char*>(from) + done;
      const ssize_t written = write(file.fd, next, std::min(at_once, bytes - done));
      if (written <= 0) give_up("write");
      done += static_cast<std::size_t>(written);
    }
  });
}

double mapped_copy_seconds(const void* from, std::size_t bytes) {
  const ShmFile file;
  void* place = MAP_FAILED;
  const double taken = seconds([&] {
    if (ftruncate(file.fd, static_cast<off_t>(bytes)) != 0) give_up("ftruncate");
    place = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd, 0);
    if (place == MAP_FAILED) give_up("mmap");
    std::memcpy(place, from, bytes);
  });
  munmap(place, bytes);
  return taken;
}

}  // namespace paracord::bench
