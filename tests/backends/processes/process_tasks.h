#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <ranges>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "paracord/paracord.h"
#include "paracord/tests/backends/backend_under_test.h"

/// What the tests of worker processes share.

namespace paracord::process_tests {

inline ParallelOptions processes(int n_jobs = 2) {
  ParallelOptions options;
  options.n_jobs = n_jobs;
  options.backend = backend_under_test();
  return options;
}

/// `call(i)` for 0 … count − 1, as a range of tasks.
template <class MakeTask>
auto tasks(int count, MakeTask make) {
  return std::views::iota(0, count) | std::views::transform(make);
}

/// Pids of this process's children.
inline std::set<std::string> children() {
  std::set<std::string> pids;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(thread.path() / "children");
    for (std::string pid; file >> pid;) pids.insert(pid);
  }
  return pids;
}

/// Looks now and then until `holds()`; false when that takes half a minute.
inline bool eventually(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

template <class Error>
bool is_a(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error&) {
    return true;
  } catch (...) {
    return false;
  }
}

inline std::string text_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& thrown) {
    return thrown.what();
  } catch (...) {
    return "something else";
  }
}

inline int plus_one(int i) {
  return i + 1;
}

/// The pool does what it did before.
inline void expect_usable(Parallel& parallel) {
  const auto results = parallel(tasks(20, [](int i) { return delayed<plus_one>(i); }));
  for (int i = 0; i != 20; ++i) EXPECT_EQ(results[static_cast<std::size_t>(i)], i + 1);
}

}  // namespace paracord::process_tests
