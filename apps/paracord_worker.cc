// paracord-worker: runs functions of shared objects, for host programs that know nothing of the
// library. Started by it, with no use by hand.

#include <cstdio>

#include "paracord/backends/worker/initialize.h"

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);
  std::fputs(
      "paracord-worker is started by programs that use paracord's processes; it has no use "
      "by itself\n",
      stderr);
  return 2;
}
