#pragma once

#include <signal.h>

#include <thread>
#include <utility>

/// How the library starts threads in a program that is not its own.
namespace paracord::detail {

/// While it lives, threads that this one starts leave the program's signals to the program's own
/// threads. What a thread causes by itself (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS,
/// SIGABRT) stays unblocked: the kernel ends a process that has blocked it without running the
/// handlers of the program or of a sanitizer.
class ProgramSignalsBlocked {
 public:
  ProgramSignalsBlocked();
  ProgramSignalsBlocked(const ProgramSignalsBlocked&) = delete;
  ~ProgramSignalsBlocked();

 private:
  sigset_t before_;
};

/// A thread of the library's own. Throws what std::thread throws.
template <class Main>
std::thread service_thread(Main&& main) {
  const ProgramSignalsBlocked blocked;
  return std::thread(std::forward<Main>(main));
}

}  // namespace paracord::detail
