// A rank of an MPI job whose tasks run in worker processes, which are no ranks. With "before",
// MPI_Init comes before initialize: workers then initialise MPI too, each as a job of its own.

#include <mpi.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "paracord/paracord.h"

extern char** environ;

namespace {

bool of_a_launcher(std::string_view variable) {
  for (const char* prefix :
       {"OMPI_", "PMI_", "PMIX_", "PMI2_", "PRTE_", "ORTE_", "MPI_LOCAL", "HYDRA_"}) {
    if (variable.starts_with(prefix)) return true;
  }
  return false;
}

std::string first_launcher_variable() {
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (of_a_launcher(*variable)) return *variable;
  }
  return "";
}

// Of an MPI job that the process is in; 0 where it is in none.
int size_of_job() {
  int initialised = 0, size = 0;
  MPI_Initialized(&initialised);
  if (initialised != 0) MPI_Comm_size(MPI_COMM_WORLD, &size);
  return size;
}

struct Seen {
  int value = 0, pid = 0, size_of_job = 0;
  std::string variable;
};

Seen work(int x) {
  return {x * x, getpid(), size_of_job(), first_launcher_variable()};
}

bool takes_part(const Seen& seen) {
#ifdef MPI_FIRST
  // Its own MPI_Init may have left variables.
  return seen.size_of_job != 1;
#else
  return seen.size_of_job != 0 || !seen.variable.empty();
#endif
}

int check_tasks(int rank) {
  paracord::Parallel parallel({.n_jobs = 2, .backend = "processes"});
  const auto answers = parallel(std::views::iota(0, 100) | std::views::transform([rank](int i) {
                                  return paracord::delayed<work>(1000 * rank + i);
                                }));
  int wrong = 0;
  for (int i = 0; i != 100; ++i) {
    const Seen& seen = answers[static_cast<std::size_t>(i)];
    const int x = 1000 * rank + i;
    wrong += seen.value != x * x || seen.pid == getpid();
    if (!takes_part(seen)) continue;
    ++wrong;
    std::fprintf(stderr, "WRONG: a worker is one of %d ranks, and has '%s'\n", seen.size_of_job,
                 seen.variable.c_str());
  }
  return wrong;
}

}  // namespace

int main(int argc, char** argv) {
#ifdef MPI_FIRST
  MPI_Init(&argc, &argv);
  paracord::initialize(argc, argv);
#else
  paracord::initialize(argc, argv);
  MPI_Init(&argc, &argv);
#endif
  int rank = 0, size = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  int wrong = check_tasks(rank), all_wrong = 0, ranks = 0;
  const int one = 1;
  MPI_Allreduce(&wrong, &all_wrong, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  MPI_Allreduce(&one, &ranks, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  all_wrong += size != 2 || ranks != 2 || first_launcher_variable().empty();
  MPI_Finalize();
  if (rank == 0) std::puts(all_wrong == 0 ? "ok" : "WRONG: see stderr");
  return all_wrong == 0 ? 0 : 1;
}
