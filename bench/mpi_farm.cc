// A farm of trivial tasks on Open MPI, one message at a time with each worker: prints a line for
// Peers.

#include <mpi.h>

#include <chrono>
#include <cstdio>

namespace {

constexpr int tasks = 10'000;
constexpr int work_tag = 1, stop_tag = 2;
constexpr int message_bytes = 64;

void work() {
  char message[message_bytes];
  while (true) {
    MPI_Status status;
    MPI_Recv(message, message_bytes, MPI_CHAR, 0, MPI_ANY_TAG, MPI_COMM_WORLD, &status);
    if (status.MPI_TAG == stop_tag) return;
    MPI_Send(message, message_bytes, MPI_CHAR, 0, work_tag, MPI_COMM_WORLD);
  }
}

void farm(int workers) {
  char message[message_bytes] = {};
  int sent = 0;
  for (int worker = 1; worker <= workers; ++worker, ++sent)
    MPI_Send(message, message_bytes, MPI_CHAR, worker, work_tag, MPI_COMM_WORLD);
  for (int done = 0; done != tasks; ++done) {
    MPI_Status status;
    MPI_Recv(message, message_bytes, MPI_CHAR, MPI_ANY_SOURCE, work_tag, MPI_COMM_WORLD, &status);
    if (sent == tasks) continue;
    MPI_Send(message, message_bytes, MPI_CHAR, status.MPI_SOURCE, work_tag, MPI_COMM_WORLD);
    ++sent;
  }
}

void lead(int workers) {
  for (int run = 0; run != 5; ++run) {
    const auto start = std::chrono::steady_clock::now();
    farm(workers);
    const std::chrono::duration<double, std::micro> taken =
        std::chrono::steady_clock::now() - start;
    std::printf("Open MPI single us\t%g\n", taken.count() / tasks);
  }
  for (int worker = 1; worker <= workers; ++worker)
    MPI_Send(nullptr, 0, MPI_CHAR, worker, stop_tag, MPI_COMM_WORLD);
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int rank = 0, size = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  rank == 0 ? lead(size - 1) : work();
  MPI_Finalize();
}
