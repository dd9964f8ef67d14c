#include "paracord/core/service_thread.h"

namespace paracord::detail {

namespace {

constexpr int own_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};

}  // namespace

ProgramSignalsBlocked::ProgramSignalsBlocked() {
  sigset_t others;
  sigfillset(&others);
  for (const int signal : own_signals) sigdelset(&others, signal);
  pthread_sigmask(SIG_BLOCK, &others, &before_);
}

ProgramSignalsBlocked::~ProgramSignalsBlocked() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void unblock_own_signals() {
  sigset_t own;
  sigemptyset(&own);
  for (const int signal : own_signals) sigaddset(&own, signal);
  pthread_sigmask(SIG_UNBLOCK, &own, nullptr);
}

}  // namespace paracord::detail
