#include "paracord/backends/worker/crash_report.h"

#include <execinfo.h>
#include <signal.h>
#include <unistd.h>

#include <cstddef>
#include <initializer_list>

namespace paracord::detail {

namespace {

constexpr int deepest_backtrace = 64;
constexpr std::size_t stack_bytes = 64 << 10;

int report_fd = -1;
alignas(16) char alternate_stack[stack_bytes];

// What is called here was called once before, so that nothing is loaded or allocated now.
void report(int signal) {
  void* frames[deepest_backtrace];
  const int count = backtrace(frames, deepest_backtrace);
  backtrace_symbols_fd(frames, count, report_fd);
  // SA_RESETHAND: this time the signal does what it does by default.
  raise(signal);
}

}  // namespace

void report_crashes_to(int fd) {
  report_fd = fd;
  void* frame = nullptr;
  (void)backtrace(&frame, 1);
  stack_t stack{};
  stack.ss_sp = alternate_stack;
  stack.ss_size = stack_bytes;
  sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_handler = &report;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_ONSTACK | SA_NODEFER);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
    sigaction(signal, &action, nullptr);
}

}  // namespace paracord::detail
