#include "paracord/core/describe_error.h"

#include <gtest/gtest.h>

#include "paracord/core/encoder.h"
#include "paracord/core/remote_error.h"
#include "paracord/paracord.h"

namespace paracord {
namespace {

struct Wordless : std::exception {
  const char* what() const noexcept override { return nullptr; }
};
int fail(int) {
  throw Wordless();
}

TEST(DescribeError, AnExceptionMaySayNothing) {
  try {
    throw Wordless();
  } catch (...) {
    TaskFailure failure;
    (void)detail::describe_current_exception(failure);
    EXPECT_NE(failure.cause.find("null"), std::string::npos);
    Encoder out;
    detail::encode_current_exception(out, detail::Phase::running);
    EXPECT_GT(out.size(), 0u);
  }
}

TEST(DescribeError, ATaskMayThrowOne) {
  for (const char* backend : {"sequential", "threads"}) {
    Parallel parallel({.n_jobs = 2, .backend = backend});
    std::vector tasks{delayed<fail>(1), delayed<fail>(2)};
    const auto outcomes = parallel.outcomes(tasks);
    EXPECT_FALSE(outcomes[0].has_value()) << backend;
    EXPECT_FALSE(outcomes[1].has_value()) << backend;
  }
}

}  // namespace
}  // namespace paracord
