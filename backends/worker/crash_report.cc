#include "paracord/backends/worker/crash_report.h"

#include <fcntl.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>

namespace paracord::detail {

namespace {

constexpr int deepest_backtrace = 128;
constexpr std::size_t stack_bytes = 64 << 10;

int report_fd = -1;
int own_pid = 0;
alignas(16) char alternate_stack[stack_bytes];

// All of these are called in a signal's handler: they allocate nothing and take no lock.

void write_all(const char* text, std::size_t bytes) {
  while (bytes != 0) {
    const ssize_t written = write(report_fd, text, bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text += written;
    bytes -= static_cast<std::size_t>(written);
  }
}

void write_address(std::uintptr_t address) {
  char line[2 * sizeof address + 1];
  char* next = line + sizeof line;
  *--next = '\n';
  do {
    *--next = "0123456789abcdef"[address & 0xf];
    address >>= 4;
  } while (address != 0);
  write_all(next, static_cast<std::size_t>(line + sizeof line - next));
}

void write_file(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  char part[1024];
  ssize_t got = 0;
  while ((got = read(fd, part, sizeof part)) > 0 || (got < 0 && errno == EINTR))
    if (got > 0) write_all(part, static_cast<std::size_t>(got));
  close(fd);
}

struct Trace {
  std::uintptr_t crashed_at;
  bool begun = false;  // what comes before is the handler's own
  int frames = 0;
};

_Unwind_Reason_Code add_frame(_Unwind_Context* context, void* data) {
  auto& trace = *static_cast<Trace*>(data);
  int before = 0;
  std::uintptr_t address = _Unwind_GetIPInfo(context, &before);
  trace.begun |= address == trace.crashed_at;
  if (!trace.begun || address == 0) return _URC_NO_REASON;
  // A call's return address may lie behind the last line of its function.
  if (before == 0) --address;
  write_address(address);
  return ++trace.frames == deepest_backtrace ? _URC_END_OF_STACK : _URC_NO_REASON;
}

// The code that was running, and, for one that was called by a wrong address, who called it.
struct Place {
  std::uintptr_t at = 0, caller = 0;
};
Place place_of(void* context) {
  Place place;
  const auto& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  place.at = static_cast<std::uintptr_t>(machine.gregs[REG_RIP]);
  const auto stack = static_cast<std::uintptr_t>(machine.gregs[REG_RSP]);
  if (place.at < 4096) std::memcpy(&place.caller, reinterpret_cast<void*>(stack), sizeof stack);
#elif defined(__aarch64__)
  place.at = machine.pc;
  if (place.at < 4096) place.caller = machine.regs[30];
#else
  (void)machine;
#endif
  return place;
}

void report(int signal, siginfo_t*, void* context) {
  // Not what a task has forked off: the worker goes on.
  if (getpid() != own_pid) {
    raise(signal);
    return;
  }
  const Place place = place_of(context);
  write_all(crash_report_head, std::strlen(crash_report_head));
  Trace trace{place.at};
  _Unwind_Backtrace(&add_frame, &trace);
  if (trace.frames == 0) {
    write_address(place.at);
    if (place.caller != 0) write_address(place.caller - 1);
  }
  write_all("\n", 1);
  write_file("/proc/self/maps");
  // SA_RESETHAND: this time the signal does what it does by default.
  raise(signal);
}

_Unwind_Reason_Code ignore_frame(_Unwind_Context*, void*) {
  return _URC_NO_REASON;
}

}  // namespace

void report_crashes_to(int fd) {
  report_fd = fd;
  own_pid = getpid();
  // What it loads or allocates the first time is there when a thread crashes.
  _Unwind_Backtrace(&ignore_frame, nullptr);
  stack_t stack{};
  stack.ss_sp = alternate_stack;
  stack.ss_size = stack_bytes;
  sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_sigaction = &report;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_ONSTACK | SA_NODEFER | SA_SIGINFO);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT})
    sigaction(signal, &action, nullptr);
}

}  // namespace paracord::detail
