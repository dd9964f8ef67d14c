#include "paracord/core/errors.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <ranges>
#include <system_error>

#include "paracord/paracord.h"
#include "paracord/tests/core/test_tasks.h"

namespace paracord {
namespace {

struct Unregistered : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct Registered : std::runtime_error {
  explicit Registered(int code) : std::runtime_error("registered"), code(code) {}
  int code;
};

int fails_with_invalid_argument(int x, const std::string& name) {
  if (x == 3) throw std::invalid_argument("three is too many, " + name);
  return x;
}

class EachBackendErrors : public ::testing::TestWithParam<const char*> {
 protected:
  Parallel parallel{{.n_jobs = 2, .backend = GetParam()}};

  // Runs ten tasks of which the fourth calls `fail`.
  template <class Fail>
  void run(Fail fail) {
    parallel(std::views::iota(0, 10) | std::views::transform([&](int i) {
               return delayed(
                   [fail](int x) {
                     if (x == 3) fail();
                     return x;
                   },
                   i);
             }));
  }
};
INSTANTIATE_TEST_SUITE_P(Backends, EachBackendErrors, ::testing::Values("threads", "sequential"));

TEST_P(EachBackendErrors, KeepTheirTypeAndTextAndCarryTheDetails) {
  try {
    parallel(std::views::iota(0, 10) | std::views::transform([](int i) {
               return delayed<fails_with_invalid_argument>(i, "bob");
             }));
    FAIL() << "nothing was thrown";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "three is too many, bob");
    const auto detail = task_error(error);
    ASSERT_TRUE(detail.has_value());
    const TaskFailure& failure = detail->failure();
    EXPECT_EQ(failure.index, 3u);
    EXPECT_EQ(failure.arguments, "3, \"bob\"");
    EXPECT_NE(failure.function.find("fails_with_invalid_argument"), std::string::npos)
        << failure.function;
    EXPECT_EQ(failure.pid, getpid());
    EXPECT_EQ(failure.attempt, 1);
    EXPECT_EQ(failure.cause_type, "std::invalid_argument");
    EXPECT_FALSE(failure.host.empty());
    const std::string text = detail->what();
    for (const char* part :
         {"task 3", "fails_with_invalid_argument", "3, \"bob\"", "three is too many"}) {
      EXPECT_NE(text.find(part), std::string::npos) << text;
    }
  }
}

TEST_P(EachBackendErrors, KeepAStandardTypeThatIsNotRuntimeError) {
  EXPECT_THROW(run([] { throw std::bad_alloc(); }), std::bad_alloc);
  try {
    run([] {
      throw std::system_error(std::make_error_code(std::errc::no_space_on_device), "disk");
    });
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::no_space_on_device);
    EXPECT_TRUE(task_error(error).has_value());
  }
}

TEST_P(EachBackendErrors, PassTypesOfTheUsersUnchanged) {
  EXPECT_THROW(run([] { throw Unregistered("mine"); }), Unregistered);
  EXPECT_THROW(run([] { throw 42; }), int);
}

TEST_P(EachBackendErrors, GiveRegisteredTypesTheDetails) {
  register_exception<Registered>();
  try {
    run([] { throw Registered(7); });
    FAIL();
  } catch (const Registered& error) {
    EXPECT_EQ(error.code, 7);
    ASSERT_TRUE(task_error(error).has_value());
    EXPECT_EQ(task_error(error)->failure().index, 3u);
  }
}

TEST_P(EachBackendErrors, ComeFromNestedCallsWithBothPlaces) {
  try {
    parallel(std::views::iota(5, 6) | std::views::transform([](int i) {
               return delayed(
                   [](int) {
                     Parallel inner({.n_jobs = 2});
                     inner(std::views::iota(0, 4) | std::views::transform([](int k) {
                             return delayed<fails_with_invalid_argument>(k, "deep");
                           }));
                     return 0;
                   },
                   i);
             }));
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "three is too many, deep");
    const auto detail = task_error(error);
    ASSERT_TRUE(detail);
    EXPECT_EQ(detail->failure().index, 0u);
    EXPECT_EQ(detail->failure().arguments, "5");
    EXPECT_EQ(detail->failure().cause_type, "std::invalid_argument");
    ASSERT_EQ(detail->failure().within.size(), 1u);
    EXPECT_EQ(detail->failure().within[0].index, 3u);
    EXPECT_EQ(detail->failure().within[0].arguments, "3, \"deep\"");
    EXPECT_NE(std::string(detail->what()).find("in its call: task 3"), std::string::npos)
        << detail->what();
  }
}

TEST_P(EachBackendErrors, KeepWhatIsNestedInThem) {
  try {
    run([] {
      try {
        throw std::out_of_range("inner");
      } catch (...) {
        std::throw_with_nested(std::runtime_error("outer"));
      }
    });
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "outer");
    EXPECT_THROW(std::rethrow_if_nested(error), std::out_of_range);
    ASSERT_TRUE(task_error(error));
    EXPECT_EQ(task_error(error)->failure().cause_type, "std::runtime_error");
    EXPECT_EQ(task_error(error)->failure().nested,
              std::vector<std::string>{"std::out_of_range: inner"});
  }
}

struct SaysNothing : std::runtime_error {
  SaysNothing() : std::runtime_error("") {}
  const char* what() const noexcept override { return nullptr; }
};
struct CannotBeCopied : std::runtime_error {
  CannotBeCopied() : std::runtime_error("once") {}
  CannotBeCopied(const CannotBeCopied& other) : std::runtime_error(other) {
    throw std::bad_alloc();
  }
};

TEST_P(EachBackendErrors, MayHaveNoWords) {
  register_exception<SaysNothing>();
  try {
    run([] { throw SaysNothing(); });
    FAIL();
  } catch (const SaysNothing& error) {
    ASSERT_TRUE(task_error(error));
    EXPECT_NE(task_error(error)->failure().cause.find("null"), std::string::npos);
  }
}

TEST_P(EachBackendErrors, PassAsTheyAreWhereCopiesOfThemThrow) {
  register_exception<CannotBeCopied>();
  EXPECT_THROW(run([] { throw CannotBeCopied(); }), CannotBeCopied);
}

struct WithItsOwnNesting : std::runtime_error, std::nested_exception {
  WithItsOwnNesting() : std::runtime_error("holder") {}
};

TEST_P(EachBackendErrors, OfTypesThatNestKeepWhatTheyHold) {
  register_exception<WithItsOwnNesting>();
  try {
    run([] {
      try {
        throw std::out_of_range("held");
      } catch (...) {
        throw WithItsOwnNesting();
      }
    });
    FAIL();
  } catch (const WithItsOwnNesting& error) {
    EXPECT_THROW(error.rethrow_nested(), std::out_of_range);
    EXPECT_TRUE(task_error(error));
  }
}

TEST_P(EachBackendErrors, InOutcomesCostOnlyTheirTask) {
  const auto outcomes =
      parallel.outcomes(std::views::iota(0, 100) | std::views::transform([](int i) {
                          return delayed(
                              [](int x) {
                                if (x % 10 == 3)
                                  throw std::domain_error("bad " + std::to_string(x));
                                return std::to_string(x);
                              },
                              i);
                        }));
  ASSERT_EQ(outcomes.size(), 100u);
  for (std::size_t i = 0; i != 100; ++i) {
    ASSERT_EQ(outcomes[i].has_value(), i % 10 != 3);
    if (outcomes[i]) {
      EXPECT_EQ(outcomes[i].value(), std::to_string(i));
    } else {
      EXPECT_NE(outcomes[i].error(), nullptr);
      EXPECT_THROW((void)outcomes[i].value(), std::domain_error);
    }
  }
}

TEST_P(EachBackendErrors, InOutcomesOfVoidTasksAreToldToo) {
  const auto outcomes = parallel.outcomes(std::views::iota(0, 5) | std::views::transform([](int i) {
                                            return delayed(
                                                [](int x) {
                                                  if (x == 1) throw std::logic_error("one");
                                                },
                                                i);
                                          }));
  EXPECT_TRUE(outcomes[0].has_value());
  EXPECT_FALSE(outcomes[1].has_value());
  EXPECT_THROW(outcomes[1].value(), std::logic_error);
}

TEST_P(EachBackendErrors, StopTheRestOfTheCall) {
  std::atomic<int> ran{0};
  EXPECT_THROW(parallel(std::views::iota(0, 1'000'000) | std::views::transform([&](int i) {
                          return delayed(
                              [&ran](int x) {
                                ++ran;
                                if (x == 10) throw std::runtime_error("stop");
                              },
                              i);
                        })),
               std::runtime_error);
  EXPECT_LT(ran, 900'000);
}

TEST_P(EachBackendErrors, LetAFailedTaskRunAgain) {
  Parallel retrying({.n_jobs = 2, .backend = GetParam(), .retries = 2});
  std::atomic<int> runs{0};
  const auto attempts =
      retrying(std::views::iota(0, 6) | std::views::transform([&](int i) {
                 return delayed(
                     [&runs](int x, std::string text) {
                       ++runs;
                       std::string taken = std::move(text);  // each attempt gets the argument anew
                       if (taken != "argument") throw std::logic_error("lost");
                       if (x == 4 && this_worker().attempt < 3) throw std::runtime_error("not yet");
                       return this_worker().attempt;
                     },
                     i, "argument");
               }));
  EXPECT_EQ(attempts, (std::vector<int>{1, 1, 1, 1, 3, 1}));
  EXPECT_EQ(runs, 8);
}

TEST_P(EachBackendErrors, SayHowManyAttemptsThereWere) {
  Parallel retrying({.n_jobs = 2, .backend = GetParam(), .retries = 2});
  try {
    retrying(std::views::iota(0, 1) | std::views::transform([](int) {
               return delayed([] { throw std::runtime_error("never"); });
             }));
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(task_error(error)->failure().attempt, 3);
  }
}

TEST_P(EachBackendErrors, RefuseToRetryWhatCannotBeCopied) {
  Parallel retrying({.n_jobs = 2, .backend = GetParam(), .retries = 1});
  EXPECT_THROW(retrying(std::views::iota(0, 2) | std::views::transform([](int i) {
                          return delayed([](std::unique_ptr<int> p) { return *p; },
                                         std::make_unique<int>(i));
                        })),
               std::invalid_argument);
}

TEST(TaskError, NamesNoWorkerWhereNoneRan) {
  TaskFailure failure;
  failure.function = "f";
  failure.cause_type = "std::runtime_error";
  EXPECT_STREQ(TaskError(failure).what(), "task 0, f(), failed: std::runtime_error");
}

TEST(TaskError, IsEmptyForOtherExceptions) {
  EXPECT_FALSE(task_error(std::runtime_error("plain")).has_value());
  EXPECT_TRUE(task_error(TaskError(TaskFailure{})).has_value());
}

}  // namespace
}  // namespace paracord
