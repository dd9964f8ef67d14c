// Random calls on the custom backend: random_calls --backend throttled --count 2000

#include <paracord/paracord.h>
#include <paracord/testkit/random_calls.h>

#include <memory>

#include "throttled.h"

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);
  return paracord::testkit::random_calls_main(
      argc, argv, {{"throttled", [] { return std::make_unique<ThrottledBackend>(); }}});
}
