#include "paracord/backends/worker/crash_report.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

namespace paracord::detail {
namespace {

TEST(CrashReport, WritesTheBacktraceAndEndsByTheSignal) {
  EXPECT_EXIT(
      {
        report_crashes_to(STDERR_FILENO);
        raise(SIGABRT);
      },
      testing::KilledBySignal(SIGABRT), "libc");
}

}  // namespace
}  // namespace paracord::detail
