// Group `cluster`, its rows of the data plane: 1 GiB from the heap of one process to the shared
// memory of others, beside what its parts cost alone: raw sockets, and filling a new shared file.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "paracord/bench/harness.h"
#include "paracord/core/event.h"
#include "paracord/memmap/arena_store.h"
#include "paracord/memmap/temp_folder.h"
#include "paracord/transport/data_plane.h"

namespace paracord::bench {
namespace {

using namespace cluster;

constexpr const char* group = "cluster";
constexpr std::size_t gibibyte = std::size_t{1} << 30;
constexpr std::size_t piece = std::size_t{2} << 20;
constexpr int runs = 5, runs_of_many = 3;

void check(bool right, const char* what) {
  if (!right) throw std::runtime_error(what);
}

// The only thing that a process says to its parent, or back.
struct Pipe {
  Pipe() { check(pipe(ends) == 0, "pipe"); }
  template <class T>
  void put(const T& value) {
    check(write(ends[1], &value, sizeof value) == sizeof value, "the other process has ended");
  }
  template <class T>
  T get() {
    T value{};
    check(read(ends[0], &value, sizeof value) == sizeof value, "the other process has ended");
    return value;
  }
  int ends[2];
};

// A copy of this process, made while it has one thread.
class Process {
 public:
  template <class Work>
  explicit Process(Work work) : pid_(fork()) {
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
      work();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "data_bench: %s\n", error.what());
    }
    _exit(0);
  }
  Process(const Process&) = delete;
  ~Process() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_;
};

std::vector<std::byte> content() {
  std::vector<std::byte> bytes(gibibyte);
  std::uint64_t state = 1;
  for (std::size_t i = 0; i != bytes.size(); i += sizeof state) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    std::memcpy(bytes.data() + i, &state, sizeof state);
  }
  return bytes;
}

struct Where {
  NodeAddress node() const { return {id, "node", address, key}; }
  PeerId id = 0;
  char address[64] = {}, key[48] = {};
};

Where where(const DataPlane& plane) {
  Where place{plane.self()};
  std::strncpy(place.address, plane.address().c_str(), sizeof place.address - 1);
  std::strncpy(place.key, plane.public_key().c_str(), sizeof place.key - 1);
  return place;
}

// Shared memory that is new each time, or the same again, as at a node that has freed some.
enum class Memory { fresh, used };

// Fetches the object into shared memory, each time it is told to.
class Receiver {
 public:
  Receiver(PeerId self, bool encrypted, Memory memory, const ObjectId& object) {
    process_ = std::make_unique<Process>(
        [this, self, encrypted, memory, object] { serve(self, encrypted, memory, object); });
    place = in_.get<Where>();
  }
  void meet(const Where& peer) { out_.put(peer); }
  void end_of_peers() { out_.put(Where{}); }
  void begin() { out_.put(char{1}); }
  void wait() { check(in_.get<char>() == 1, "a fetch has failed"); }
  Where place;

 private:
  void serve(PeerId self, bool encrypted, Memory memory, const ObjectId& object) {
    DataPlane::Options options;
    options.self = self;
    options.listen = "tcp://127.0.0.1:*";
    if (encrypted) options.keys = make_key_pair();
    DataPlane plane(options);
    in_.put(where(plane));
    std::vector<PeerId> sources;
    for (Where peer = out_.get<Where>(); peer.id != 0; peer = out_.get<Where>()) {
      plane.dial(peer.node());
      sources.push_back(peer.id);
    }
    detail::ArenaStore arenas(detail::temp_folders(std::nullopt));
    if (memory == Memory::fresh) arenas.set_most_free(0);
    while (true) {
      (void)out_.get<char>();
      auto lease = arenas.allocate_to_fill(object.bytes);
      std::atomic<int> ended{0};
      detail::Event event;
      const auto fill = [&](std::size_t offset, std::span<const std::byte> part) {
        return detail::ArenaStore::fill(lease, offset, part.data(), part.size());
      };
      plane.fetch(object, {lease->data(), nullptr, fill}, sources,
                  [&](const Status& status, const auto& table) {
                    if (status.ok()) plane.offer(table, lease->data(), lease);
                    ended.store(status.ok() ? 1 : -1);
                    event.notify();
                  });
      event.wait([&] { return ended.load() != 0; });
      in_.put(static_cast<char>(ended.load()));
      (void)out_.get<char>();
      plane.withdraw(object);
      lease.reset();
      in_.put(char{1});
    }
  }
  Pipe in_, out_;
  std::unique_ptr<Process> process_;
};

// One source, some receivers that know each other.
class Planes {
 public:
  Planes(std::size_t receivers, bool encrypted, Memory memory, const std::vector<std::byte>& bytes,
         const std::shared_ptr<const ObjectTable>& table) {
    for (std::size_t i = 0; i != receivers; ++i)
      receivers_.push_back(std::make_unique<Receiver>(2 + i, encrypted, memory, table->id));
    DataPlane::Options options;
    options.self = 1;
    options.listen = "tcp://127.0.0.1:*";
    if (encrypted) options.keys = make_key_pair();
    source_ = std::make_unique<DataPlane>(options);
    source_->offer(table, bytes.data(), nullptr);
    for (const auto& receiver : receivers_) {
      receiver->meet(where(*source_));
      for (const auto& other : receivers_) {
        if (other != receiver) receiver->meet(other->place);
      }
      receiver->end_of_peers();
    }
  }
  void fetch() {
    for (const auto& receiver : receivers_) receiver->begin();
    for (const auto& receiver : receivers_) receiver->wait();
  }
  // Not measured: what was fetched is forgotten.
  void clean() {
    for (const auto& receiver : receivers_) receiver->begin();
    for (const auto& receiver : receivers_) receiver->wait();
  }
  std::uint64_t sent_bytes() const { return source_->counters().sent_bytes; }

 private:
  std::vector<std::unique_ptr<Receiver>> receivers_;
  std::unique_ptr<DataPlane> source_;
};

// Raw TCP: bytes go out of the heap, and are read into memory that is used again and again.
class Tcp {
 public:
  Tcp() {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    check(bind(listener, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
              listen(listener, 1) == 0 &&
              getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) == 0,
          "listen");
    reader_ = std::make_unique<Process>([listener] {
      const int in = accept(listener, nullptr, nullptr);
      std::vector<std::byte> buffer(piece);
      for (std::size_t left = gibibyte;;) {
        const ssize_t part = read(in, buffer.data(), std::min(left, buffer.size()));
        if (part <= 0) return;
        left -= static_cast<std::size_t>(part);
        if (left != 0) continue;
        left = gibibyte;
        if (write(in, "d", 1) != 1) return;
      }
    });
    out_ = socket(AF_INET, SOCK_STREAM, 0);
    check(connect(out_, reinterpret_cast<sockaddr*>(&address), length) == 0, "connect");
    close(listener);
  }
  void send(const std::vector<std::byte>& bytes) {
    for (std::size_t done = 0; done != bytes.size();) {
      const ssize_t part = write(out_, bytes.data() + done, std::min(piece, bytes.size() - done));
      check(part > 0, "write");
      done += static_cast<std::size_t>(part);
    }
    char answer = 0;
    check(read(out_, &answer, 1) == 1, "read");
  }

 private:
  std::unique_ptr<Process> reader_;
  int out_ = -1;
};

// Raw ZeroMQ with CURVE: one PUSH, one PULL, pieces of the same size.
class RawCurve {
 public:
  RawCurve() : server_(make_key_pair()), client_(make_key_pair()) {
    reader_ = std::make_unique<Process>([this] {
      zmq::context_t context;
      zmq::socket_t socket(context, zmq::socket_type::pair);
      socket.set(zmq::sockopt::curve_server, true);
      socket.set(zmq::sockopt::curve_secretkey, server_.secret_key);
      socket.bind("tcp://127.0.0.1:*");
      Where place{1};
      std::strncpy(place.address, socket.get(zmq::sockopt::last_endpoint).c_str(),
                   sizeof place.address - 1);
      ready_.put(place);
      while (true) {
        for (std::size_t left = gibibyte; left != 0;) {
          zmq::message_t message;
          (void)socket.recv(message);
          left -= message.size();
        }
        socket.send(zmq::str_buffer("d"), zmq::send_flags::none);
      }
    });
    const Where place = ready_.get<Where>();
    context_ = std::make_unique<zmq::context_t>();
    socket_ = zmq::socket_t(*context_, zmq::socket_type::pair);
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::sndhwm, 8);
    socket_.set(zmq::sockopt::curve_serverkey, server_.public_key);
    socket_.set(zmq::sockopt::curve_publickey, client_.public_key);
    socket_.set(zmq::sockopt::curve_secretkey, client_.secret_key);
    socket_.connect(place.address);
  }
  void send(const std::vector<std::byte>& bytes) {
    for (std::size_t done = 0; done != bytes.size(); done += piece) {
      zmq::message_t message(const_cast<std::byte*>(bytes.data()) + done, piece,
                             [](void*, void*) {});
      socket_.send(message, zmq::send_flags::none);
    }
    zmq::message_t answer;
    (void)socket_.recv(answer);
  }

 private:
  const KeyPair server_, client_;
  Pipe ready_;
  std::unique_ptr<Process> reader_;
  std::unique_ptr<zmq::context_t> context_;
  zmq::socket_t socket_;
};

void fill_new_file(const std::vector<std::byte>& bytes) {
  const int file = memfd_create("bench", MFD_CLOEXEC);
  check(ftruncate(file, gibibyte) == 0, "ftruncate");
  void* memory = mmap(nullptr, gibibyte, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  std::memcpy(memory, bytes.data(), gibibyte);
  munmap(memory, gibibyte);
  close(file);
}

void rate_row(const std::string& name, const Pair& pair, double gibibytes, double goal) {
  print_row(group, name, gibibytes / pair.ours, gibibytes / pair.peer, 1 / pair.ratio, "GiB/s",
            Better::higher, goal);
}

// What is to be cleaned after each fetch is not part of the time.
Pair compare(Planes& planes, const std::function<void()>& peer, int count = runs) {
  std::vector<double> ours, theirs, ratios;
  for (int run = 0; run <= count; ++run) {
    const double a = seconds([&] { planes.fetch(); });
    planes.clean();
    const double b = seconds(peer);
    if (run == 0) continue;
    ours.push_back(a);
    theirs.push_back(b);
    ratios.push_back(a / b);
  }
  return {median(ours), median(theirs), median(ratios)};
}

void run() {
  const std::vector<std::byte> bytes = content();
  const auto table = name_object(bytes);
  {
    Tcp tcp;  // before there are threads
    Planes planes(1, false, Memory::fresh, bytes, table);
    rate_row("1 GiB, heap to another's new shared memory | raw TCP",
             compare(planes, [&] { tcp.send(bytes); }), 1, 0);
    rate_row("1 GiB, heap to another's new shared memory | filling a new shared file",
             compare(planes, [&] { fill_new_file(bytes); }), 1, 0.8);
  }
  {
    Tcp tcp;
    Planes planes(1, false, Memory::used, bytes, table);
    rate_row("1 GiB, to shared memory used before | raw TCP",
             compare(planes, [&] { tcp.send(bytes); }), 1, 0);
  }
  for (const Memory memory : {Memory::fresh, Memory::used}) {
    RawCurve raw;  // whose memory is used again and again
    Planes planes(1, true, memory, bytes, table);
    rate_row(memory == Memory::fresh
                 ? "1 GiB, encrypted, to new shared memory | raw ZeroMQ with CURVE"
                 : "1 GiB, encrypted, to shared memory used before | raw ZeroMQ with CURVE",
             compare(planes, [&] { raw.send(bytes); }), 1, memory == Memory::fresh ? 0 : 0.75);
  }
  Planes planes(4, false, Memory::fresh, bytes, table);
  const auto before = planes.sent_bytes();
  const Pair four = compare(
      planes,
      [&] {
        for (int i = 0; i != 4; ++i) fill_new_file(bytes);
      },
      runs_of_many);
  rate_row("1 GiB to 4 receivers, all together | filling 4 new shared files", four, 4, 0);
  const double times =
      static_cast<double>(planes.sent_bytes() - before) / (runs_of_many + 1) / gibibyte;
  print_row(group, "1 GiB to 4 receivers: sent by its source | once", times, 1, times, "GiB",
            Better::lower, 1.3);
}

}  // namespace
}  // namespace paracord::bench

int main() {
  paracord::bench::run();
}
