// The snippets of the README and of docs/, compiled and run: what stands between the marks is
// quoted there.

#include <paracord/paracord.h>

#include <cmath>
#include <cstdio>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

// [first]
double simulate(double temperature) {
  return std::sqrt(temperature);
}

std::vector<double> sweep(const std::vector<double>& temperatures) {
  paracord::Parallel parallel({.n_jobs = -1});  // all CPUs, on threads
  return parallel(temperatures |
                  std::views::transform([](double t) { return paracord::delayed<simulate>(t); }));
}
// [first]

// [generator]
double running_sum(const std::vector<double>& temperatures) {
  paracord::Parallel parallel({.n_jobs = 2});
  double sum = 0;
  for (const double result : parallel.generator(temperatures | std::views::transform([](double t) {
                                                  return paracord::delayed<simulate>(t);
                                                }))) {
    sum += result;  // in order, while the later ones still run
  }
  return sum;
}
// [generator]

// [outcomes]
int count_failures(const std::vector<double>& temperatures) {
  const auto checked = [](double t) {
    if (t < 0) throw std::domain_error("below absolute zero");
    return simulate(t);
  };
  int failures = 0;
  paracord::Parallel parallel({.n_jobs = 2});
  for (const auto& outcome : parallel.outcomes(temperatures | std::views::transform([&](double t) {
                                                 return paracord::delayed(checked, t);
                                               }))) {
    if (!outcome) ++failures;
  }
  return failures;
}
// [outcomes]

// [errors]
std::string what_failed(const std::vector<double>& temperatures) {
  try {
    paracord::Parallel parallel({.n_jobs = 2});
    parallel(temperatures | std::views::transform([](double t) {
               return paracord::delayed(
                   [](double x) {
                     if (x < 0) throw std::domain_error("too cold");
                   },
                   t);
             }));
  } catch (const std::domain_error& error) {                // the task's own type and text …
    if (const auto detail = paracord::task_error(error)) {  // … and where it came from
      return std::to_string(detail->failure().index) + "(" + detail->failure().arguments +
             "): " + error.what();
    }
  }
  return "";
}
// [errors]

// [config]
std::vector<double> sweep_with_defaults(const std::vector<double>& temperatures) {
  const auto defaults = paracord::parallel_config({.n_jobs = 2, .verbose = 0});
  return paracord::Parallel()(temperatures | std::views::transform([](double t) {
                                return paracord::delayed<simulate>(t);
                              }));
}
// [config]

// [stop]
double relax(int steps) {
  double value = 1;
  for (int i = 0; i != steps && !paracord::stop_requested(); ++i) value = std::cos(value);
  return value;
}
// [stop]

int main() {
  const std::vector<double> temperatures{1, 4, 9, -16};
  const std::vector<double> warm{1, 4, 9};
  const bool right = sweep(warm) == std::vector<double>{1, 2, 3} && running_sum(warm) == 6 &&
                     count_failures(temperatures) == 1 &&
                     what_failed(temperatures) == "3(-16): too cold" &&
                     sweep_with_defaults(warm) == std::vector<double>{1, 2, 3} && relax(100) > 0.7;
  std::puts(right ? "ok" : "WRONG");
  return right ? 0 : 1;
}
