#pragma once

#include <string>
#include <utility>
#include <vector>

/// One simulation of LAMMPS.
///
/// Threads: one simulation at a time in a process, since LAMMPS and its MPI are not thread-safe.
/// Errors: std::runtime_error with the variables and what LAMMPS says, where it was built with
/// exceptions. Where it was not, as by Debian, an error in LAMMPS ends the process.
class Simulation {
 public:
  /// Names and values of variables that commands see as ${name}.
  using Variables = std::vector<std::pair<std::string, std::string>>;

  /// `screen`: the file that gets what LAMMPS says, or "none".
  Simulation(Variables variables, const std::string& screen);
  Simulation(const Simulation&) = delete;
  ~Simulation();

  /// LAMMPS commands, one on each line.
  void run(const char* commands);
  /// The value of an equal-style variable.
  double value_of(const char* variable);

 private:
  void check();
  [[noreturn]] void fail(const std::string& why);

  const Variables variables_;  // for messages
  void* lammps_;
};
