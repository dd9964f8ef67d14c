#include <dlfcn.h>
#include <gtest/gtest.h>

#include <string>

namespace {

TEST(CallsWhileLoading, AreRefusedAndWorkOnceTheLibraryIsThere) {
  void* library = dlopen(CALLS_WHILE_LOADING, RTLD_NOW);
  ASSERT_NE(library, nullptr) << dlerror();
  const auto outcome =
      reinterpret_cast<const char* (*)(int)>(dlsym(library, "outcome_while_loading"));
  EXPECT_STREQ(outcome(0), "done");
  for (const int backend : {1, 2})
    EXPECT_NE(std::string(outcome(backend)).find("dlopen()"), std::string::npos)
        << outcome(backend);
  const auto works = reinterpret_cast<bool (*)()>(dlsym(library, "works_now"));
  (void)works;  // in a worker the library is loaded anew, and its calls are refused there
  EXPECT_TRUE(works());
}

}  // namespace
