// The program of random calls: a child process makes them, this one watches over it.

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <stdexcept>
#include <utility>

#include "paracord/testkit/random/child.h"
#include "paracord/testkit/random/function.h"
#include "paracord/testkit/random/run.h"
#include "paracord/testkit/random/subjects.h"

namespace paracord::testkit {

namespace {

using random::Child;
using random::Plan;
using random::Setting;
using Clock = std::chrono::steady_clock;

constexpr const char* help =
    R"(Makes random calls and holds their results against the sequential backend.

  --backend NAME    threads, processes, zeromq, sequential, mixed, or one of this program's own
  --seed N          of the first call; the next ones follow. Default: a fresh one
  --count N         how many calls. Default: 1000
  --seconds N       no call begins after so many seconds
  --set A=1,B=2     fields of each plan that get another value, as replay lines have them
  --max-bytes N     of one argument or result. Default: 4 MiB
  --patience N      a call that takes more seconds hangs. Default: 60
  --disturbed       workers and nodes are killed meanwhile, by somebody else
  --show            print each plan before its call
)";

struct Arguments {
  std::string backend = "threads";
  RandomCallsOptions options;
  bool show = false;
  int report_to = -1;  // in the child: a descriptor
};

std::uint64_t number_of(const std::string& name, const char* text) {
  std::uint64_t number = 0;
  const char* end = text + std::strlen(text);
  if (std::from_chars(text, end, number).ptr != end || text == end)
    throw std::invalid_argument(name + " needs a number, and '" + text + "' is none");
  return number;
}

Arguments read_arguments(int argc, char** argv) {
  Arguments arguments;
  arguments.options.count = 1000;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--disturbed") {
      arguments.options.disturbed = true;
      continue;
    }
    if (name == "--show") {
      arguments.show = true;
      continue;
    }
    if (i + 1 == argc)
      throw std::invalid_argument("unknown argument, or one without its value: " + name);
    const char* value = argv[++i];
    if (name == "--backend") {
      arguments.backend = value;
    } else if (name == "--seed") {
      arguments.options.seed = number_of(name, value);
    } else if (name == "--count") {
      arguments.options.count = number_of(name, value);
    } else if (name == "--seconds") {
      arguments.options.time = std::chrono::seconds(number_of(name, value));
    } else if (name == "--set") {
      arguments.options.changes = value;
    } else if (name == "--max-bytes") {
      arguments.options.max_bytes = number_of(name, value);
    } else if (name == "--patience") {
      arguments.options.patience = std::chrono::seconds(number_of(name, value));
    } else if (name == "--report-to") {
      arguments.report_to = static_cast<int>(number_of(name, value));
    } else {
      throw std::invalid_argument("unknown argument: " + name + "; --help lists the known ones");
    }
  }
  return arguments;
}

// --- the child ---

void report(int fd, const std::string& line) {
  (void)!write(fd, line.data(), line.size());
}

std::string on_one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text.substr(0, 1500);
}

// Says of each call that it begins, and how it has ended. The first that goes wrong is the last.
int make_calls(const Arguments& arguments, const Setting& setting) {
  std::uint64_t seed = arguments.options.seed.value_or(0);
  for (std::uint64_t i = 0; i != arguments.options.count; ++i, ++seed) {
    const Plan plan = random::plan_of(seed, setting, arguments.options);
    report(arguments.report_to, "begin " + std::to_string(seed) + "\n");
    const std::string wrong = random::run(plan, setting);
    report(arguments.report_to, wrong.empty() ? "right\n" : "wrong " + on_one_line(wrong) + "\n");
    if (!wrong.empty()) return 1;
  }
  return 0;
}

// --- the parent ---

class Supervisor {
 public:
  Supervisor(std::string program, const Arguments& arguments, const Setting& setting)
      : program_(std::move(program)), arguments_(arguments), setting_(setting) {}

  int run() {
    const auto& options = arguments_.options;
    const auto end = options.time ? Clock::now() + *options.time : Clock::time_point::max();
    const std::uint64_t first = options.seed ? *options.seed : std::random_device()();
    std::printf("random calls on %s from seed %llu, %s\n", arguments_.backend.c_str(),
                static_cast<unsigned long long>(first), random::pool_text().c_str());
    std::fflush(stdout);
    std::uint64_t done = 0;
    int findings = 0;
    while (done != options.count && Clock::now() < end) {
      const std::uint64_t from = first + done;
      std::uint64_t made = 0;
      std::string what = make(from, options.count - done, options.changes, end, &made);
      done += made;
      if (what.empty()) continue;
      ++findings;
      tell(from, first + done - 1, std::move(what));
      if (findings == max_findings) break;
    }
    std::printf("%llu calls, %d went wrong\n", static_cast<unsigned long long>(done), findings);
    std::printf("the slowest: %.1f s, seed %llu\n",
                std::chrono::duration<double>(slowest_.first).count(),
                static_cast<unsigned long long>(slowest_.second));
    std::printf("%llu passed, %d failed\n", static_cast<unsigned long long>(done) - findings,
                findings);
    return findings == 0 ? 0 : 1;
  }

 private:
  static constexpr int max_findings = 5;
  static constexpr std::uint64_t calls_of_a_child = 500;
  static constexpr auto max_patience_of_one = std::chrono::seconds(15);
  static constexpr auto time_to_make_smaller = std::chrono::minutes(3);

  // Makes calls in a child until one goes wrong; what, and how many were made, that one included.
  std::string make(std::uint64_t from, std::uint64_t count, const std::string& changes,
                   Clock::time_point end, std::uint64_t* made) {
    std::vector<std::string> arguments{program_,
                                       "--backend",
                                       arguments_.backend,
                                       "--seed",
                                       std::to_string(from),
                                       "--count",
                                       std::to_string(std::min(count, calls_of_a_child)),
                                       "--max-bytes",
                                       std::to_string(arguments_.options.max_bytes)};
    if (!changes.empty()) arguments.insert(arguments.end(), {"--set", changes});
    if (arguments_.options.disturbed) arguments.push_back("--disturbed");
    if (arguments_.show) arguments.push_back("--show");
    Child child(std::move(arguments));
    std::string line, wrong;
    *made = 0;
    bool is_in_call = false;
    auto began = Clock::now();
    // Hangs are waited for again and again while they are made smaller.
    const auto patience =
        count == 1 ? std::min<Clock::duration>(arguments_.options.patience, max_patience_of_one)
                   : Clock::duration(arguments_.options.patience);
    while (child.next_line(line, Clock::now() + patience)) {
      const bool ends = is_in_call;
      is_in_call = line.starts_with("begin ");
      if (ends) slowest_ = std::max(slowest_, std::pair(Clock::now() - began, from + *made - 1));
      if (is_in_call) ++*made;
      began = Clock::now();
      if (is_in_call && arguments_.show && !makes_smaller_) show(from + *made - 1, changes);
      if (line.starts_with("wrong ")) wrong = line.substr(6);
      if (line == "right" && Clock::now() >= end) break;
    }
    if (!wrong.empty()) {
      (void)child.end();
      return wrong;
    }
    if (Clock::now() >= end && !is_in_call) return {};
    return child.end();
  }

  void show(std::uint64_t seed, const std::string& changes) {
    Plan plan = random::draw_plan(seed, setting_);
    random::change(plan, changes);
    std::printf("%s\n", text(plan).c_str());
    std::fflush(stdout);
  }

  bool goes_wrong(const Plan& plan, std::string& what) {
    for (int i = 0; i != 3; ++i) {
      std::uint64_t made = 0;
      const std::string wrong =
          make(plan.seed, 1, random::changes_of(plan, setting_), Clock::time_point::max(), &made);
      if (wrong.empty()) continue;
      what = wrong;
      return true;
    }
    return false;
  }

  // The call of `seed`, made smaller; `from`: the first one that its process has made.
  void tell(std::uint64_t from, std::uint64_t seed, std::string what) {
    Plan plan = random::plan_of(seed, setting_, arguments_.options);
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), what.c_str());
    std::fflush(stdout);
    if (!goes_wrong(plan, what)) {
      std::printf(
          "  %s\n  not again by itself; replay what its process had done: --backend %s "
          "--seed %llu --count %llu\n",
          text(plan).c_str(), arguments_.backend.c_str(), static_cast<unsigned long long>(from),
          static_cast<unsigned long long>(seed - from + 1));
      return;
    }
    makes_smaller_ = true;
    const auto end = Clock::now() + time_to_make_smaller;
    for (bool found = true; found && Clock::now() < end;) {
      found = false;
      for (const Plan& next : random::smaller(plan)) {
        if (Clock::now() >= end) break;
        if (!goes_wrong(next, what)) continue;
        plan = next;
        found = true;
        break;
      }
    }
    makes_smaller_ = false;
    std::printf(
        "  at its smallest: %s\n  %s\n  replay with: %s\n", what.c_str(), text(plan).c_str(),
        random::replay_line(arguments_.backend, plan, setting_, arguments_.options).c_str());
    std::fflush(stdout);
  }

  static std::string text(const Plan& plan) {
    return "seed " + std::to_string(plan.seed) + ": " +
           random::pool()[static_cast<std::size_t>(plan.function)]->text() + "; " +
           random::text_of(plan);
  }

  const std::string program_;
  const Arguments& arguments_;
  const Setting& setting_;
  bool makes_smaller_ = false;
  std::pair<Clock::duration, std::uint64_t> slowest_{};  // time, seed
};

}  // namespace

int random_calls_main(int argc, char** argv, const std::vector<Subject>& subjects) {
  if (argc == 2 && std::strcmp(argv[1], "--help") == 0) {
    std::fputs(help, stdout);
    return 0;
  }
  try {
    const Arguments arguments = read_arguments(argc, argv);
    const Setting setting = random::setting_of(arguments.backend, subjects, arguments.options);
    if (arguments.report_to >= 0) return make_calls(arguments, setting);
    return Supervisor(argv[0], arguments, setting).run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "random calls: %s\n", error.what());
    return 2;
  }
}

}  // namespace paracord::testkit
