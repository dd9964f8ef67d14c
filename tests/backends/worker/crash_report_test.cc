#include "paracord/backends/worker/crash_report.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

namespace paracord::detail {
namespace {

TEST(CrashReport, WritesAddressesAndTheMapOfModulesAndEndsByTheSignal) {
  EXPECT_EXIT(
      {
        report_crashes_to(STDERR_FILENO);
        raise(SIGABRT);
      },
      testing::KilledBySignal(SIGABRT),
      "paracord: addresses\n[0-9a-f]+\n.*\n\n[0-9a-f]+-[0-9a-f]+ .*libc");
}

}  // namespace
}  // namespace paracord::detail
