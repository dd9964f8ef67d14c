// Random calls on the backends of this project.

#include "paracord/testkit/random_calls.h"
#include "paracord/paracord.h"

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);
  return paracord::testkit::random_calls_main(argc, argv);
}
