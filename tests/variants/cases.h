#pragma once

#include <unistd.h>

#include <vector>

#include "paracord/core/task.h"

/// The tasks that each build variant of the program runs, from two files with functions alike.
namespace paracord::variants {

struct Answer {
  int value = 0, pid = 0;
};

struct Case {
  const char* function;
  Task<Answer> task;
  int expected;
};

/// In several modules of one process.
inline Answer triples(int x) {
  return {3 * x, getpid()};
}

std::vector<Case> first_cases(int x);
std::vector<Case> second_cases(int x);

}  // namespace paracord::variants
