// The main of all test programs.

#include <gtest/gtest.h>

#include "paracord/backends/worker/initialize.h"

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
