// WorkerProcess: how it begins, serves one call after the other, and ends.

#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

#include "paracord/backends/processes/backtrace.h"
#include "paracord/backends/processes/worker_process.h"
#include "paracord/core/describe_error.h"
#include "paracord/core/descriptors.h"
#include "paracord/core/fork.h"
#include "paracord/core/scope.h"

namespace paracord::detail {

namespace {

// Results larger than this come back by reference.
constexpr std::uint64_t shared_result_bytes = std::uint64_t{1} << 20;

[[noreturn]] void cannot_start(const char* what) {
  throw BackendUnavailable(std::string("a worker process cannot be started: ") + what + ": " +
                           std::strerror(errno));
}

// Out of the way of 0 to 3, where the child has its own.
Descriptor own(int fd) {
  const int moved = moved_up(fd);
  if (moved < 0) cannot_start("a descriptor");
  return Descriptor(moved);
}

Descriptor new_channel() {
  Descriptor fd(moved_up(memfd_create("paracord-channel", MFD_CLOEXEC)));
  if (fd.get() < 0 || ftruncate(fd.get(), sizeof(Channel)) != 0) cannot_start("its channel");
  return fd;
}

std::string indented(const std::string& title, const std::string& text) {
  return text.empty() ? std::string() : "\n" + title + ":\n" + text;
}

}  // namespace

struct WorkerProcess::Ends {
  OutputPipes pipes;
  Descriptor ours, childs;
  Ends() {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
      cannot_start("a socket");
    ours = own(pair[0]);
    childs = own(pair[1]);
  }
};

WorkerProcess::WorkerProcess(const WorkerSpec& spec, int bell_fd, std::atomic<int>& parts)
    : WorkerProcess(spec, bell_fd, parts, Ends()) {}

WorkerProcess::WorkerProcess(const WorkerSpec& spec, int bell_fd, std::atomic<int>& parts,
                             Ends ends)
    : spec_(spec),
      socket_(std::move(ends.ours)),
      output_(ends.pipes),
      announcer_(socket_.get()),
      sender_(announcer_, 0),
      message_(&sender_, &room_),
      places_taken_(parts),
      releases_(std::make_shared<Guarded<Encoder>>()),
      receiver_([releases = releases_](std::uint32_t file, std::uint64_t offset) {
        releases->with([&](Encoder& waiting) {
          waiting.put(file);
          waiting.put(offset);
        });
      }),
      notices_(socket_.get(), receiver_) {
  const Descriptor channel = new_channel();
  void* mapped =
      mmap(nullptr, sizeof(Channel), PROT_READ | PROT_WRITE, MAP_SHARED, channel.get(), 0);
  if (mapped == MAP_FAILED) cannot_start("its channel");
  channel_.reset(::new (mapped) Channel);
  // A process that is forked off has no part in it.
  (void)madvise(mapped, sizeof(Channel), MADV_DONTFORK);
  close_in_forked_children(socket_.get());
  out_ = RingWriter<task_unit>(&channel_->tasks, channel_->task_ring, ring_bytes);
  in_ = RingReader<result_unit>(&channel_->results, channel_->result_ring, ring_bytes);
  receiver_.fetch_with([this] { notices_.drain(); });
  Hello hello;
  hello.parent = getpid();
  hello.max_nbytes = shared_result_bytes;
  hello.relays = spec.relays ? 1 : 0;
  hello.cpus = process_cpus();
  std::strcpy(hello.nested_backend, "threads");
  const int sent[] = {channel.get(), bell_fd, ends.pipes.last_words.writing.get()};
  out_of_memory_kills_ = out_of_memory_kills();
  if (!send_with_descriptors(socket_.get(), &hello, sizeof hello, sent, 3)) cannot_start("hello");
  pid_ = spawn_worker(
      spec, {ends.childs.get(), ends.pipes.output.writing.get(), ends.pipes.errors.writing.get()});
  output_.set_pid(pid_);
  pid_fd_ = Descriptor(moved_up(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0))));
  if (pid_fd_.get() >= 0) return;
  // Its end would go unnoticed.
  const int error = errno;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  errno = error;
  cannot_start("a descriptor");
}

WorkerProcess::~WorkerProcess() {
  keep_in_forked_children(socket_.get());
}

void WorkerProcess::Unmap::operator()(Channel* channel) const {
  munmap(channel, sizeof(Channel));
}

void WorkerProcess::begin_call(const Call& call) {
  call_ = call;
  slots_.with([&](Slots& slots) {
    slots.in_call = true;
    places_taken_.fetch_add(slots_used_.load(), std::memory_order_acq_rel);
  });
  // Relayed tasks come from programs that number their modules as they load them.
  if (call.modules != nullptr) checked_.clear();
  sender_.store_in(call.arenas);
  room_.store_in(call.arenas);
  channel_->stop.store(0);
  output_.set_call(call.worker, call.on_output);
}

bool WorkerProcess::end_call() {
  output_.drain(true);
  output_.set_call(call_.worker, nullptr);
  {
    const std::lock_guard<SpinMutex> hold(sending_);
    send_releases();
  }
  idle_since = Clock::now();
  return slots_.with([&](Slots& slots) {
    const int left = std::exchange(slots.in_call, false) ? slots_used_.load() : 0;
    places_taken_.fetch_sub(left, std::memory_order_acq_rel);
    return left != 0;
  });
}

// Under the lock of slots_.
void WorkerProcess::use_slots(Slots& slots, int change) {
  slots_used_.fetch_add(change, std::memory_order_acq_rel);
  if (slots.in_call) places_taken_.fetch_add(change, std::memory_order_acq_rel);
}

// --- the end of the process ---

std::vector<int> WorkerProcess::descriptors() const {
  std::vector<int> all{pid_fd_.get(), socket_.get()};
  for (int i = 0; i != OutputRelay::descriptors; ++i) all.push_back(output_.descriptor(i));
  return all;
}

void WorkerProcess::hang_up() {
  shutdown(socket_.get(), SHUT_RDWR);
}

void WorkerProcess::kill(std::string reason) {
  kill_reason_.with([&](std::string& why) {
    if (why.empty()) why = std::move(reason);
  });
  // Its number may belong to another process once it was reaped; its descriptor never does.
  if (syscall(SYS_pidfd_send_signal, pid_fd_.get(), 0, nullptr, 0) != 0) return;
  // The group first: also what its tasks have started.
  ::kill(-pid_, SIGKILL);
  syscall(SYS_pidfd_send_signal, pid_fd_.get(), SIGKILL, nullptr, 0);
}

bool WorkerProcess::has_ended() {
  if (ended_) return true;
  int status = 0;
  const int reaped = waitpid(pid_, &status, WNOHANG);
  if (reaped == pid_) wait_status_ = status;
  // The program may reap children that are not its own; then all that is known is the end.
  ended_ = reaped == pid_ || (reaped < 0 && errno == ECHILD);
  return ended_;
}

std::vector<BatchPart> WorkerProcess::take_losses() {
  is_lost.store(true);
  output_.drain(true);
  const std::uint64_t running = channel_->running.load(std::memory_order_acquire);
  return slots_.with([&](Slots& slots) {
    in_flight_.fetch_sub(static_cast<int>(slots.order.size()), std::memory_order_acq_rel);
    use_slots(slots, -slots_used_.load());
    std::vector<BatchPart> held;
    for (const std::size_t slot : slots.order) {
      held.push_back(*std::exchange(slots.parts[slot], std::nullopt));
      BatchPart& part = held.back();
      const auto task = static_cast<std::uint32_t>(running & 0xffffffffu);
      const bool here = running >> 32 == slot && task > part.first && task <= part.end();
      part.running = here ? task : 0;
    }
    slots.parts = {};
    slots.order.clear();
    return held;
  });
}

// Of a part that the worker held: the task that ran is lost, those behind it go to another worker.
void WorkerProcess::lose(BatchPart part) {
  RemoteBatch& batch = *part.batch;
  BatchOwner& owner = batch.owner;
  std::uint32_t over = part.over;
  std::uint32_t next = part.next;
  // A result that came before the end counts: the task is not the one that was lost.
  if (part.running != 0 && part.running - 1 >= part.next) {
    const std::uint32_t index = part.running - 1;
    // Their results were not readable any more: the worker had spoilt its ring.
    if (index > next) owner.send_again({&batch, next, index - next, part.attempt});
    RemoteRun run = run_of({0, index, channel_->started.load(), 0}, part.attempt);
    run.ended = std::chrono::steady_clock::now();
    if (batch.tasks.failed(index, loss_error(), run) == RemoteTasks::Verdict::again) {
      owner.send_again({&batch, index, 1, part.attempt + 1});
    } else {
      ++over;
    }
    next = index + 1;
  }
  if (next < part.end()) owner.send_again({&batch, next, part.end() - next, part.attempt});
  batch.over(over + 1);
}

std::uint64_t out_of_memory_kills() {
  constexpr std::string_view memory = ":memory:";
  std::ifstream self("/proc/self/cgroup");
  std::uint64_t kills = 0;
  for (std::string line; std::getline(self, line);) {
    // Version 2 is 0::/group, version 1 4:memory:/group.
    const std::size_t first = line.find(memory);
    std::string counts = "/sys/fs/cgroup";
    if (line.starts_with("0::")) {
      counts += line.substr(3) + "/memory.events";
    } else if (first != std::string::npos) {
      counts += "/memory" + line.substr(first + memory.size()) + "/memory.oom_control";
    } else {
      continue;
    }
    std::ifstream events(counts);
    std::string name;
    std::uint64_t count = 0;
    while (events >> name >> count) {
      if (name == "oom_kill") kills += count;
    }
  }
  return kills;
}

std::exception_ptr WorkerProcess::loss_error() {
  const std::string reason = kill_reason_.with([](std::string& why) { return why; });
  if (reason.starts_with("task_timeout")) return std::make_exception_ptr(TimeoutError(reason));
  WorkerLoss loss;
  const std::vector<StackFrame> frames = read_crash_report(output_.last_words());
  loss.backtrace = text_of(frames);
  loss.last_output = output_.last_errors();
  std::string how = text_of_end(wait_status_);
  if (wait_status_ && WIFSIGNALED(*wait_status_)) {
    loss.signal = WTERMSIG(*wait_status_);
    loss.out_of_memory =
        reason.starts_with("memory") ||
        (loss.signal == SIGKILL && reason.empty() && out_of_memory_kills() > out_of_memory_kills_);
    if (loss.out_of_memory && reason.empty()) how += ": the system was out of memory";
  } else if (wait_status_) {
    loss.exit_code = WEXITSTATUS(*wait_status_);
  }
  if (!reason.empty()) how += " (" + reason + ")";
  const std::string what = "the worker process " + std::to_string(pid_) + " that ran the task " +
                           how + place_of_crash(frames) +
                           indented("its last output on stderr", loss.last_output);
  return std::make_exception_ptr(WorkerLostError(what, std::move(loss)));
}

std::optional<WorkerProcess::Clock::time_point> WorkerProcess::task_deadline() const {
  if (!call_.task_timeout || channel_->running.load(std::memory_order_acquire) == 0)
    return std::nullopt;
  const auto started = channel_->started.load(std::memory_order_acquire);
  return Clock::time_point(Clock::duration(started)) + *call_.task_timeout;
}

std::size_t WorkerProcess::resident_bytes() const {
  std::ifstream statm("/proc/" + std::to_string(pid_) + "/statm");
  std::size_t all = 0, resident = 0, shared = 0;
  if (!(statm >> all >> resident >> shared)) return 0;
  return (resident - shared) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace paracord::detail
