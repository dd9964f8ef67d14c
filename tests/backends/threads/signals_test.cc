// Signals that a task causes by itself run the host's handlers; others go to the host's own
// threads.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <cstdlib>
#include <thread>

#include "paracord/paracord.h"

namespace paracord {
namespace {

constexpr int both = 2;

// Runs `task` on the caller's thread and on one of the pool's, at once.
template <class Task>
void on_both_threads(Task task) {
  std::barrier meet(both);
  const auto caller = std::this_thread::get_id();
  Parallel parallel({.n_jobs = both, .backend = "threads", .batch_size = 1});
  parallel(std::views::iota(0, both) | std::views::transform([&](int) {
             return delayed([&] {
               meet.arrive_and_wait();
               task(std::this_thread::get_id() != caller);
             });
           }));
}

// Puts a handler in place for as long as it lives.
class Handler {
 public:
  Handler(int signal, void (*handle)(int, siginfo_t*, void*)) : signal_(signal) {
    struct sigaction action {};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO;
    sigaction(signal, &action, &before_);
  }
  Handler(const Handler&) = delete;
  ~Handler() { sigaction(signal_, &before_, nullptr); }

 private:
  const int signal_;
  struct sigaction before_ {};
};

std::atomic<int> handled{0};

class SynchronousSignal : public testing::TestWithParam<int> {};
#ifdef __SANITIZE_THREAD__  // which delivers the others later
#define SYNCHRONOUS_SIGNALS SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT
#else
#define SYNCHRONOUS_SIGNALS SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT
#endif
INSTANTIATE_TEST_SUITE_P(Each, SynchronousSignal, testing::Values(SYNCHRONOUS_SIGNALS),
                         [](const auto& of) { return std::string(sigabbrev_np(of.param)); });

TEST_P(SynchronousSignal, OfATaskRunsTheHostsHandler) {
  handled = 0;
  const Handler handler(GetParam(), [](int, siginfo_t*, void*) { ++handled; });
  on_both_threads([](bool) { raise(GetParam()); });
  EXPECT_EQ(handled, both);
}

std::atomic<void*> guarded_page{nullptr};
long page_bytes = 0;

// The kernel ends the process where a thread that has blocked SIGSEGV causes one.
TEST(Signals, AFaultOfATaskCanBeMendedByTheHostsHandler) {
  page_bytes = sysconf(_SC_PAGESIZE);
  const Handler handler(SIGSEGV, [](int, siginfo_t* info, void*) {
    if (info->si_addr != guarded_page.load()) std::_Exit(9);
    mprotect(guarded_page.load(), static_cast<std::size_t>(page_bytes), PROT_READ | PROT_WRITE);
    ++handled;
  });
  handled = 0;
  void* page = mmap(nullptr, static_cast<std::size_t>(page_bytes), PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(page, MAP_FAILED);
  guarded_page = page;
  on_both_threads([page](bool of_pool) {
    if (of_pool) *static_cast<volatile int*>(page) = 7;
  });
  EXPECT_EQ(handled, 1);
  EXPECT_EQ(*static_cast<int*>(page), 7);
  munmap(page, static_cast<std::size_t>(page_bytes));
}

TEST(Signals, OfTheProgramGoToItsOwnThreads) {
  on_both_threads([](bool of_pool) {
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGALRM, SIGCHLD, SIGUSR1})
      EXPECT_EQ(sigismember(&blocked, signal), of_pool ? 1 : 0) << signal;
  });
}

#ifdef __SANITIZE_ADDRESS__
using SignalsDeathTest = testing::Test;

TEST_F(SignalsDeathTest, ACrashOfATaskIsReportedByTheSanitizer) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto crash = [] {
    on_both_threads([](bool of_pool) {
      if (of_pool) *reinterpret_cast<volatile int*>(8) = 1;
      pause();
    });
  };
  EXPECT_DEATH(crash(), "AddressSanitizer: SEGV");
}
#endif

}  // namespace
}  // namespace paracord
