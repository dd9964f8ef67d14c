#include <dlfcn.h>
#include <gtest/gtest.h>

#include "paracord/paracord.h"
#include "paracord/tests/core/test_tasks.h"

namespace paracord {
namespace {

TEST(LoadedBackend, RegistersItselfWhenItsLibraryIsLoaded) {
  EXPECT_THROW(Parallel({.backend = "loaded"}), std::invalid_argument);
  ASSERT_NE(dlopen(LOADED_BACKEND, RTLD_NOW), nullptr) << dlerror();
  Parallel parallel({.n_jobs = 2, .backend = "loaded"});
  EXPECT_EQ(parallel(squares(100)), expected_squares(100));
}

}  // namespace
}  // namespace paracord
