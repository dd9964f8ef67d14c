#pragma once

#include <signal.h>

#include <thread>
#include <utility>

/// How the library starts threads in a program that is not its own.
namespace paracord::detail {

/// While it lives, threads that this one starts leave the program's signals to the program's own
/// threads. What a thread causes by itself (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS,
/// SIGABRT) is none of these: the kernel ends a process that has blocked it without running the
/// handlers of the program or of a sanitizer.
class ProgramSignalsBlocked {
 public:
  ProgramSignalsBlocked();
  ProgramSignalsBlocked(const ProgramSignalsBlocked&) = delete;
  ~ProgramSignalsBlocked();

 private:
  sigset_t before_;
};

/// By a new thread: the one that has started it may have blocked what a thread causes by itself.
void unblock_own_signals();

/// A thread of the library's own. Throws what std::thread throws.
template <class Main>
std::thread service_thread(Main main) {
  const ProgramSignalsBlocked blocked;
  return std::thread([main = std::move(main)]() mutable {
    unblock_own_signals();
    main();
  });
}

}  // namespace paracord::detail
