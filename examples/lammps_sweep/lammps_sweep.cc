// A sweep over the temperatures of a Lennard-Jones liquid, with a simulation code that is not
// thread-safe and ends the process at an error: each worker process runs simulations of its own,
// one after the other, and what goes wrong with one costs no other.
//
// Usage: lammps_sweep [--n-jobs N] [--quick] [--screen] [TEMPERATURE…]

#include <paracord/paracord.h>

#include <charconv>
#include <cstdio>
#include <exception>
#include <map>
#include <ranges>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "simulation.h"

namespace {

// In Lennard-Jones units; energy per atom.
struct Point {
  double temperature, energy, pressure;
};

struct Melt {
  int cells;    // of the lattice, in each direction; four atoms each
  int steps;    // to equilibrate, and as many again to average over
  bool screen;  // LAMMPS' own output goes to stderr
};

struct Arguments {
  int n_jobs = -1;  // all CPUs
  Melt melt = {.cells = 6, .steps = 2000, .screen = false};
  std::vector<double> temperatures;
};
constexpr int quick_cells = 4, quick_steps = 100;
const std::vector<double> usual_temperatures = {0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2};
const std::vector<double> quick_temperatures = {1.0, 2.0};

// From a lattice that is hot enough to melt.
constexpr const char* melt_commands = R"(
  units           lj
  lattice         fcc 0.8442
  region          box block 0 ${cells} 0 ${cells} 0 ${cells}
  create_box      1 box
  create_atoms    1 box
  mass            1 1.0
  pair_style      lj/cut 2.5
  pair_coeff      1 1 1.0 1.0
  velocity        all create $(2*v_temperature) 87287
  fix             thermostat all nvt temp ${temperature} ${temperature} 0.5
  run             ${steps}
  reset_timestep  0
  fix             mean all ave/time 1 ${steps} ${steps} c_thermo_temp c_thermo_pe c_thermo_press
  run             ${steps}
  variable        mean_temperature equal f_mean[1]
  variable        mean_energy equal f_mean[2]/atoms
  variable        mean_pressure equal f_mean[3]
)";

// --- what runs in a worker ---

Point simulate(double temperature, Melt melt) {
  Simulation simulation({{"temperature", std::to_string(temperature)},
                         {"cells", std::to_string(melt.cells)},
                         {"steps", std::to_string(melt.steps)}},
                        melt.screen ? "/dev/stderr" : "none");
  simulation.run(melt_commands);
  return {simulation.value_of("mean_temperature"), simulation.value_of("mean_energy"),
          simulation.value_of("mean_pressure")};
}
static_assert(paracord::travels<simulate>);

// --- what runs in the caller, which starts no LAMMPS and no MPI itself ---

// Each worker is an MPI job of its own. Open MPI would start a daemon for each, which binds it to
// the first CPU, and leave its folders behind.
const std::map<std::string, std::string> lone_ranks = {
    {"OMPI_MCA_ess_singleton_isolated", "true"}, {"OMPI_MCA_orte_create_session_dirs", "false"}};

// A LAMMPS that ends its process costs one point, with one job, too.
std::vector<paracord::Outcome<Point>> sweep(const Arguments& arguments) {
  paracord::Parallel parallel(
      {.n_jobs = arguments.n_jobs,
       .backend = "processes",
       .backend_options = paracord::ProcessesOptions{.environment = lone_ranks, .isolate = true}});
  return parallel.outcomes(arguments.temperatures | std::views::transform([&](double temperature) {
                             return paracord::delayed<simulate>(temperature, arguments.melt);
                           }));
}

bool print(double temperature, const paracord::Outcome<Point>& outcome) {
  try {
    const Point& point = outcome.value();
    std::printf("%12.2f %12.3f %12.4f %12.4f\n", temperature, point.temperature, point.energy,
                point.pressure);
    return true;
  } catch (const std::exception& error) {
    std::printf("%12.2f %12s\n", temperature, "failed");
    std::fprintf(stderr, "temperature %g: %s\n", temperature, error.what());
    return false;
  }
}

int run(const Arguments& arguments) {
  const auto outcomes = sweep(arguments);
  std::printf("%12s %12s %12s %12s\n", "thermostat", "temperature", "energy/atom", "pressure");
  bool all_well = true;
  for (std::size_t i = 0; i != outcomes.size(); ++i)
    all_well &= print(arguments.temperatures[i], outcomes[i]);
  if (!all_well && !arguments.melt.screen)
    std::fputs("with --screen there is what LAMMPS said of it\n", stderr);
  return all_well ? 0 : 1;
}

// --- the command line ---

template <class Number>
Number number_from(std::string_view word) {
  Number number{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || end != word.data() + word.size()) {
    throw std::invalid_argument("'" + std::string(word) + "' is no number; usage: " +
                                "lammps_sweep [--n-jobs N] [--quick] [--screen] [TEMPERATURE…]");
  }
  return number;
}

Arguments parse(const std::vector<std::string_view>& words) {
  Arguments arguments;
  bool quick = false;
  for (auto word = words.begin(); word != words.end(); ++word) {
    if (*word == "--quick") {
      quick = true;
    } else if (*word == "--screen") {
      arguments.melt.screen = true;
    } else if (*word == "--n-jobs") {
      if (++word == words.end()) throw std::invalid_argument("--n-jobs needs a number");
      arguments.n_jobs = number_from<int>(*word);
    } else {
      arguments.temperatures.push_back(number_from<double>(*word));
    }
  }
  if (quick) {
    arguments.melt.cells = quick_cells;
    arguments.melt.steps = quick_steps;
  }
  if (arguments.temperatures.empty())
    arguments.temperatures = quick ? quick_temperatures : usual_temperatures;
  return arguments;
}

}  // namespace

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);
  try {
    return run(parse({argv + 1, argv + argc}));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lammps_sweep: %s\n", error.what());
    return 1;
  }
}
