// A long sweep that can be killed at any moment and goes on where it was: every finished simulation
// lies in a cache. Usage: resume FOLDER [--die-after COUNT] | resume --demo

#include <paracord/paracord.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <ranges>
#include <string>
#include <vector>

// [sweep]
// Stands for hours: a random walk in a potential.
double simulate(double temperature, int steps) {
  double position = 0, sum = 0;
  for (int step = 0; step != steps; ++step) {
    position += std::sin(position + temperature * step);
    sum += position;
  }
  return sum / steps;
}

// Every simulation is a task in a worker process; finished ones are read from the folder.
auto cached_simulate(const std::string& folder) {
  const paracord::Memory memory({.location = folder});
  return memory.cache<simulate>({.name = "simulate", .version = "1"});
}

std::vector<double> sweep(const std::string& folder, const std::vector<double>& temperatures,
                          std::size_t die_after) {
  const auto cached = cached_simulate(folder);
  paracord::Parallel parallel({.n_jobs = 2, .backend = "processes"});
  std::vector<double> means;
  for (const double mean :
       parallel.generator(temperatures | std::views::transform([&](double temperature) {
                            return paracord::delayed(cached, temperature, 100'000);
                          }))) {
    means.push_back(mean);
    if (means.size() == die_after) raise(SIGKILL);  // as a batch system would
  }
  return means;
}
// [sweep]

std::vector<double> temperatures() {
  std::vector<double> all;
  for (int i = 0; i != 40; ++i) all.push_back(250 + i);
  return all;
}

std::size_t count_finished(const std::string& folder) {
  const auto cached = cached_simulate(folder);
  std::size_t finished = 0;
  for (const double temperature : temperatures()) finished += cached.contains(temperature, 100'000);
  return finished;
}

void run(const std::string& folder, std::size_t die_after) {
  const std::size_t finished = count_finished(folder);
  std::printf("%zu of %zu simulations are finished\n", finished, temperatures().size());
  const std::vector<double> means = sweep(folder, temperatures(), die_after);
  std::printf("%zu means, the last is %.6f\n", means.size(), means.back());
}

// Runs the program itself; returns how it ended.
int run_killed(const std::string& folder) {
  std::string program = "/proc/self/exe", path = folder, option = "--die-after", count = "10";
  char* arguments[] = {program.data(), path.data(), option.data(), count.data(), nullptr};
  pid_t child = 0;
  if (posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments, environ) != 0) return 0;
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

// A run that is killed half-way, and another one that goes on.
int demo() {
  std::string folder = (std::filesystem::temp_directory_path() / "resume-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return 1;
  const std::string cache = folder + "/cache";
  const int status = run_killed(cache);
  const std::size_t finished = count_finished(cache);
  const bool as_said = WIFSIGNALED(status) && finished >= 10 && finished < temperatures().size();
  run(cache, 0);
  const bool complete = count_finished(cache) == temperatures().size();
  std::filesystem::remove_all(folder);
  return as_said && complete ? 0 : 1;
}

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);
  const std::string first = argc > 1 ? argv[1] : "--demo";
  if (first == "--demo") return demo();
  run(first, argc > 3 ? std::stoul(argv[3]) : 0);
}
