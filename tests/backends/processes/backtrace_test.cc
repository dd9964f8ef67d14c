#include "paracord/backends/processes/backtrace.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <iterator>

#include "paracord/backends/processes/debug_information.h"
#include "paracord/backends/worker/crash_report.h"

namespace paracord::detail {
namespace {

std::string own_maps() {
  std::ifstream file("/proc/self/maps");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string report_of(std::uintptr_t address) {
  char line[32];
  std::snprintf(line, sizeof line, "%lx\n", static_cast<unsigned long>(address));
  return crash_report_head + std::string(line) + "\n" + own_maps();
}

TEST(Backtrace, KnowsWhatCallsATask) {
  for (const char* function : {"paracord::detail::RunDelayed<f>::run_encoded(paracord::Decoder&)",
                               "int std::__invoke_impl<int, int (*)(int), "
                               "int>(std::__invoke_other, int (*&&)(int), int&&)",
                               "std::vector<int, std::allocator<int> > std::__invoke<X>(X&&)",
                               "decltype(auto) paracord::detail::call<int>(int)"})
    EXPECT_TRUE(is_glue(function)) << function;
  for (const char* function :
       {"simulate(std::vector<double>)", "paracord::my::task(int)", "",
        "(anonymous namespace)::f()", "mine::invoke<std::__invoke_other>(paracord::detail::X)"})
    EXPECT_FALSE(is_glue(function)) << function;
}

TEST(Backtrace, NamesFunctionsByWhatTheirModuleSays) {
  const auto frames = read_crash_report(report_of(reinterpret_cast<std::uintptr_t>(&demangled)));
  ASSERT_FALSE(frames.empty());
  EXPECT_NE(frames.back().function.find("paracord::detail::demangled"), std::string::npos)
      << frames.back().text();
  EXPECT_NE(frames.back().module.find("libparacord_backend_processes"), std::string::npos);
}

TEST(Backtrace, OfPlacesThatNobodyKnowsSaysTheAddress) {
  const auto frames = read_crash_report(report_of(0x10));
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(text_of(frames), "#0 0x10\n");
  EXPECT_EQ(place_of_crash(frames), "");
}

TEST(Backtrace, IsEmptyForWhatIsNoReport) {
  EXPECT_TRUE(read_crash_report("").empty());
  EXPECT_TRUE(read_crash_report("Segmentation fault").empty());
  EXPECT_TRUE(read_crash_report(std::string(crash_report_head) + "12\n").empty());
}

TEST(Backtrace, KnowsNothingOfAProcessWithoutFiles) {
  DebugInformation nothing("");
  std::vector<StackFrame> frames;
  nothing.add_frames(0x1000, {}, frames);
  EXPECT_TRUE(frames.empty());
}

}  // namespace
}  // namespace paracord::detail
