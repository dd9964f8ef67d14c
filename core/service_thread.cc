#include "paracord/core/service_thread.h"

namespace paracord::detail {

ProgramSignalsBlocked::ProgramSignalsBlocked() {
  sigset_t blocked;
  sigfillset(&blocked);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT})
    sigdelset(&blocked, signal);
  pthread_sigmask(SIG_SETMASK, &blocked, &before_);
}

ProgramSignalsBlocked::~ProgramSignalsBlocked() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace paracord::detail
