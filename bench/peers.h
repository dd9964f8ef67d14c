#pragma once

#include <fstream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "paracord/bench/harness.h"

namespace paracord::bench {

/// What programs in other languages measured: a file of `name<TAB>value` lines. A name that stands
/// there several times counts with the median.
class Peers {
 public:
  explicit Peers(const std::string& path) {
    std::ifstream file(path);
    for (std::string name, value; std::getline(file, name, '\t') && std::getline(file, value);)
      values_[name].push_back(value);
  }
  /// Nothing where the peer is not installed.
  std::optional<double> find(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    std::vector<double> numbers;
    for (const std::string& value : found->second) numbers.push_back(std::stod(value));
    return median(std::move(numbers));
  }
  std::string text(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? "?" : found->second.front();
  }

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

/// The rows of one case: ours beside each of its peers. Lines on stderr for peers that are missing.
class CaseRows {
 public:
  CaseRows(const Peers& peers, const char* group, std::string name, const char* unit, Better better)
      : peers_(peers), group_(group), name_(std::move(name)), unit_(unit), better_(better) {}

  /// A peer out of the file. `shown`: as the row calls it.
  void beside_file(double ours, const std::string& key, const std::string& shown, double goal) {
    if (const auto value = peers_.find(key)) return beside(ours, shown, *value, goal);
    std::fprintf(stderr, "SKIPPED: %s | %s: not installed, or it failed\n", name_.c_str(),
                 shown.c_str());
  }
  void beside(double ours, const std::string& shown, double peer, double goal) {
    print_row(group_, name_ + " | " + shown, ours, peer, ours / peer, unit_, better_, goal);
  }
  /// A bound in the row's own unit.
  void bound(double ours, double bound) { beside(ours, "the bound", bound, 1.0); }

 private:
  const Peers& peers_;
  const char* group_;
  std::string name_;
  const char* unit_;
  Better better_;
};

}  // namespace paracord::bench
