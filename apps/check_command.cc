// paracord check: real work, to see that a cluster does it.

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <ranges>
#include <set>
#include <stdexcept>

#include "paracord/apps/commands.h"
#include "paracord/apps/daemon_options.h"
#include "paracord/paracord.h"

namespace paracord::apps {

namespace {

struct CheckOptions {
  std::string scheduler, keys;
  int tasks = 1000;
  double timeout = 60;
};

std::int64_t square(std::int64_t x) {
  return x * x;
}

void check(const CheckOptions& options) {
  ZeromqOptions zeromq;
  zeromq.scheduler = options.scheduler.empty() ? private_scheduler_address() : options.scheduler;
  zeromq.keys = options.keys;
  const auto limit = std::chrono::duration<double>(options.timeout);
  zeromq.connect_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(limit);
  const auto start = std::chrono::steady_clock::now();
  ParallelOptions all;
  all.backend = "zeromq";
  all.backend_options = zeromq;
  all.timeout = limit;
  Parallel parallel(all);
  const std::vector<std::int64_t> squares =
      parallel(std::views::iota(0, options.tasks) |
               std::views::transform([](int i) { return delayed<square>(std::int64_t{i}); }));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  for (int i = 0; i != options.tasks; ++i) {
    const std::int64_t right = std::int64_t{i} * i;
    if (squares[static_cast<std::size_t>(i)] == right) continue;
    throw std::runtime_error("task " + std::to_string(i) + " gave " +
                             std::to_string(squares[static_cast<std::size_t>(i)]) + ", not " +
                             std::to_string(right));
  }
  std::printf("%d tasks on the cluster at %s: all right, in %.3f s\n", options.tasks,
              zeromq.scheduler.c_str(), took.count());
}

}  // namespace

void add_check_command(CLI::App& app, int& exit_code) {
  auto* command =
      app.add_subcommand("check", "Run small tasks on a cluster, and check their answers");
  const auto options = std::make_shared<CheckOptions>();
  command
      ->add_option("--scheduler", options->scheduler,
                   "tcp://HOST:PORT or ipc://PATH [this user's, on this machine]")
      ->envname("PARACORD_SCHEDULER");
  command->add_option("--keys", options->keys, "The folder with client.secret, scheduler.public")
      ->envname("PARACORD_KEYS");
  command->add_option("--tasks", options->tasks, "How many")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  command->add_option("--timeout", options->timeout, "Seconds that all of it may take")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->callback([options, &exit_code] {
    check(*options);
    exit_code = all_right;
  });
}

}  // namespace paracord::apps
