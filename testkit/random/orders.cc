#include "paracord/testkit/random/orders.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <exception>
#include <ranges>
#include <stdexcept>
#include <thread>

#include "paracord/core/parallel.h"
#include "paracord/core/register_exception.h"
#include "paracord/core/worker.h"

namespace paracord::testkit::random {

struct RegisteredError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct OtherError : std::exception {
  explicit OtherError(std::string text) : text(std::move(text)) {}
  const char* what() const noexcept override { return text.c_str(); }
  std::string text;
};

namespace {

[[maybe_unused]] const bool registered = [] {
  register_exception<RegisteredError>();
  return true;
}();

std::uint64_t sum_below(std::uint64_t number, std::string backend, std::uint32_t tasks,
                        std::uint32_t levels);

std::uint64_t nested_sum(const std::string& backend, std::uint32_t tasks, std::uint32_t levels) {
  ParallelOptions options;
  options.n_jobs = 2;
  if (!backend.empty()) options.backend = backend;
  Parallel parallel(options);
  std::uint64_t sum = 0;
  const auto range = std::views::iota(0u, tasks) | std::views::transform([&](std::uint32_t i) {
                       return delayed<sum_below>(std::uint64_t{i}, backend, tasks, levels - 1);
                     });
  if (levels % 2 == 0) {
    for (const std::uint64_t each : parallel.generator(range)) sum += each;
  } else {
    for (const std::uint64_t each : parallel(range)) sum += each;
  }
  return sum;
}

std::uint64_t sum_below(std::uint64_t number, std::string backend, std::uint32_t tasks,
                        std::uint32_t levels) {
  return number + (levels == 0 ? 0 : nested_sum(backend, tasks, levels));
}

// What sum_below() comes to, without a call.
std::uint64_t expected_sum(std::uint32_t tasks, std::uint32_t levels) {
  if (levels == 0) return 0;
  const std::uint64_t own = std::uint64_t{tasks} * (tasks - 1) / 2;
  return own + tasks * expected_sum(tasks, levels - 1);
}

void nest(const Orders& orders) {
  const std::uint64_t sum = nested_sum(orders.backend, orders.nested_tasks, orders.levels);
  if (sum != expected_sum(orders.nested_tasks, orders.levels))
    throw std::logic_error("a call inside a task gave a wrong sum");
}

void spawn_process() {
  char name[] = "/bin/true";
  char* arguments[] = {name, nullptr};
  pid_t child = 0;
  if (posix_spawn(&child, name, nullptr, nullptr, arguments, environ) != 0) return;
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
}

void throw_nested(const std::string& words) {
  try {
    throw std::invalid_argument("the cause");
  } catch (...) {
    std::throw_with_nested(std::runtime_error(words));
  }
}

}  // namespace

std::string words_of_failure(const Orders& orders) {
  return "task " + std::to_string(orders.index) + " of call " + std::to_string(orders.seed) +
         " fails";
}

bool fails(Deed deed, int retries) {
  switch (deed) {
    case Deed::throws_standard:
    case Deed::throws_registered:
    case Deed::throws_other:
    case Deed::throws_number:
    case Deed::throws_nested:
    case Deed::dies:
    case Deed::exits:
      return true;
    case Deed::throws_at_first:
    case Deed::dies_at_first:
      return retries == 0;
    default:
      return false;
  }
}

void carry_out(const Orders& orders) {
  const bool at_first = this_worker().attempt <= 1;
  switch (orders.deed) {
    case Deed::throws_standard:
      throw std::out_of_range(words_of_failure(orders));
    case Deed::throws_registered:
      throw RegisteredError(words_of_failure(orders));
    case Deed::throws_other:
      throw OtherError(words_of_failure(orders));
    case Deed::throws_number:
      throw static_cast<int>(orders.index);
    case Deed::throws_nested:
      return throw_nested(words_of_failure(orders));
    case Deed::throws_at_first:
      if (at_first) throw std::runtime_error(words_of_failure(orders));
      return;
    case Deed::dies:
      raise(SIGKILL);
      return;
    case Deed::dies_at_first:
      if (at_first) raise(SIGKILL);
      return;
    case Deed::exits:
      _exit(3);
    case Deed::prints:
      std::printf("task %u says so\n", orders.index);
      std::fflush(stdout);
      return;
    case Deed::sleeps:
      std::this_thread::sleep_for(std::chrono::microseconds(orders.microseconds));
      return;
    case Deed::nests:
      return nest(orders);
    case Deed::spawns:
      return spawn_process();
    case Deed::none:
    case Deed::last:
      return;
  }
}

}  // namespace paracord::testkit::random
