#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

/// Rows of `scripts/bench`: ours and a peer measured in turn, in one run; medians.
namespace paracord::bench {

using Seconds = std::chrono::duration<double>;

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// The median seconds of each of two works, run in turn, and the median of the ratios pair by pair.
struct Pair {
  double ours, peer, ratio;
};

inline double seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return Seconds(std::chrono::steady_clock::now() - start).count();
}

inline Pair in_turn(const std::function<void()>& ours, const std::function<void()>& peer,
                    int runs = 9) {
  ours();
  peer();
  std::vector<double> a, b, ratios;
  for (int run = 0; run != runs; ++run) {
    a.push_back(seconds(ours));
    b.push_back(seconds(peer));
    ratios.push_back(a.back() / b.back());
  }
  return {median(a), median(b), median(ratios)};
}

enum class Better { lower, higher };

/// One row: group, case, ours, peer, ratio, unit. `goal` is the bound that the project sets for the
/// ratio.
inline void print_row(const char* group, const std::string& name, double ours, double peer,
                      double ratio, const char* unit, Better better, double goal) {
  const bool met = better == Better::lower ? ratio <= goal : ratio >= goal;
  std::printf("%s\t%s\t%.4g\t%.4g\t%.3f\t%s (%s is better; goal %s %.3g: %s)\n", group,
              name.c_str(), ours, peer, ratio, unit, better == Better::lower ? "lower" : "higher",
              better == Better::lower ? "≤" : "≥", goal, met ? "met" : "not met");
  std::fflush(stdout);
}

/// A row of a cost per item: seconds become `unit`s by `scale`, divided by `items`.
inline void cost_row(const char* group, const std::string& name, const Pair& pair, double items,
                     double scale, const char* unit, double goal) {
  print_row(group, name, pair.ours / items * scale, pair.peer / items * scale, pair.ratio, unit,
            Better::lower, goal);
}

}  // namespace paracord::bench
