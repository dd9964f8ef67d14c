#include "simulation.h"

#include <lammps/library.h>

#include <memory>
#include <stdexcept>
#include <utility>

namespace {

constexpr int longest_message = 1024;

}  // namespace

Simulation::Simulation(Variables variables, const std::string& screen)
    : variables_(std::move(variables)) {
  std::vector<std::string> words = {"lammps", "-log", "none", "-screen", screen, "-nocite"};
  for (const auto& [name, value] : variables_) words.insert(words.end(), {"-var", name, value});
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  // Initialises MPI where that was not done yet: this process is a job of one rank.
  lammps_ = lammps_open_no_mpi(static_cast<int>(arguments.size()), arguments.data(), nullptr);
  if (lammps_ == nullptr) fail("it does not start");
}

Simulation::~Simulation() {
  lammps_close(lammps_);
}

void Simulation::run(const char* commands) {
  lammps_commands_string(lammps_, commands);
  check();
}

double Simulation::value_of(const char* variable) {
  const std::unique_ptr<void, void (*)(void*)> value(
      lammps_extract_variable(lammps_, variable, nullptr), &lammps_free);
  check();
  if (value == nullptr) fail(std::string("there is no variable ") + variable);
  return *static_cast<const double*>(value.get());
}

void Simulation::check() {
  if (lammps_has_error(lammps_) == 0) return;
  char message[longest_message];
  lammps_get_last_error_message(lammps_, message, longest_message);
  fail(message);
}

void Simulation::fail(const std::string& why) {
  std::string with;
  for (const auto& [name, value] : variables_) with += " " + name + " = " + value;
  throw std::runtime_error("LAMMPS with" + with + ": " + why);
}
