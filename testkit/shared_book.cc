#include "paracord/testkit/shared_book.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <mutex>
#include <new>
#include <stdexcept>
#include <thread>

namespace paracord::testkit {

namespace {

std::shared_ptr<SharedBook> map(int fd, bool fresh) {
  void* mapped = mmap(nullptr, sizeof(SharedBook), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) throw std::runtime_error("testkit: the shared book cannot be mapped");
  auto* book = fresh ? ::new (mapped) SharedBook : static_cast<SharedBook*>(mapped);
  return std::shared_ptr<SharedBook>(book, [fd](SharedBook* closed) {
    munmap(closed, sizeof(SharedBook));
    close(fd);
  });
}

std::mutex descriptors_mutex;
std::map<const SharedBook*, int> descriptors;

}  // namespace

std::shared_ptr<SharedBook> SharedBook::make() {
  const int fd = memfd_create("paracord-testkit", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, sizeof(SharedBook)) != 0)
    throw std::runtime_error("testkit: no memory for the shared book");
  auto book = map(fd, true);
  const std::lock_guard<std::mutex> hold(descriptors_mutex);
  descriptors[book.get()] = fd;
  return book;
}

std::string SharedBook::path_of(const SharedBook& book) {
  const std::lock_guard<std::mutex> hold(descriptors_mutex);
  return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(descriptors.at(&book));
}

std::shared_ptr<SharedBook> SharedBook::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) throw std::runtime_error("testkit: " + path + " cannot be opened");
  return map(fd, false);
}

void SharedBook::begin() {
  ++begun;
  const int now = ++running;
  for (int seen = most_running; now > seen && !most_running.compare_exchange_weak(seen, now);) {
  }
}

void SharedBook::end() {
  --running;
  ++ended;
}

void SharedBook::wait_at_gate() const {
  while (gate_open.load() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

int keep_book(const std::string& path, bool waits) {
  const auto book = SharedBook::open(path);
  book->begin();
  if (waits) book->wait_at_gate();
  book->end();
  return 0;
}

}  // namespace paracord::testkit
