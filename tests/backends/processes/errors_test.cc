// What tasks throw in other processes reaches the caller as it does on threads.

#include <cstdlib>
#include <filesystem>
#include <ios>
#include <stdexcept>
#include <string>
#include <vector>

#include "paracord/tests/backends/processes/process_tasks.h"

namespace paracord::process_tests {

/// Registered; its codec throws where it is told to.
struct Breaks : std::runtime_error {
  explicit Breaks(bool now = false) : std::runtime_error("breaks"), now(now) {}
  bool now;
};
/// Registered; with contents over every limit.
struct Heavy : std::exception {
  std::vector<double> contents;
  const char* what() const noexcept override { return "heavy"; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(contents);
  }
};
struct Silent : std::runtime_error {
  Silent() : std::runtime_error("") {}
  const char* what() const noexcept override { return nullptr; }
};
struct Mine : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct Holder : std::runtime_error, std::nested_exception {
  explicit Holder(const std::string& words = "holder") : std::runtime_error(words) {}
};
struct NoException {
  int value;
};

const bool registered = (register_exception<Breaks>(), register_exception<Heavy>(),
                         register_exception<Silent>(), register_exception<Holder>(), true);

}  // namespace paracord::process_tests

template <>
struct paracord::Codec<paracord::process_tests::Breaks> {
  using Breaks = paracord::process_tests::Breaks;
  static void encode(Encoder& out, const Breaks& breaks) {
    out.put(breaks.now);
    if (breaks.now) throw std::domain_error("does not encode");
  }
  static Breaks decode(Decoder& in) { return Breaks(in.get<bool>()); }
};

namespace paracord::process_tests {

enum class Throw {
  breaks,
  heavy,
  long_text,
  silent,
  mine,
  number,
  text,
  object,
  nested,
  nested_in_mine,
  nested_thrice,
  holder,
  file,
  stream
};

[[noreturn]] void throw_nested(int depth) {
  if (depth == 0) throw std::out_of_range("level 0");
  try {
    throw_nested(depth - 1);
  } catch (...) {
    std::throw_with_nested(std::runtime_error("level " + std::to_string(depth)));
  }
}

int throws(int i, Throw what) {
  if (i != 1) return i;
  switch (what) {
    case Throw::breaks:
      throw Breaks(true);
    case Throw::heavy: {
      Heavy heavy;
      heavy.contents.assign(300'000, 1.5);
      throw heavy;
    }
    case Throw::long_text:
      throw std::runtime_error(std::string(3'000'000, 'x'));
    case Throw::silent:
      throw Silent();
    case Throw::mine:
      throw Mine("mine");
    case Throw::number:
      throw 42;
    case Throw::text:
      throw "only text";
    case Throw::object:
      throw NoException{1};
    case Throw::nested:
      throw_nested(1);
    case Throw::nested_in_mine:
      try {
        throw_nested(0);
      } catch (...) {
        std::throw_with_nested(Mine("mine"));
      }
    case Throw::nested_thrice:
      throw_nested(3);
    case Throw::holder:
      try {
        throw_nested(0);
      } catch (...) {
        throw Holder("of the zeroth");
      }
    case Throw::file:
      throw std::filesystem::filesystem_error("moving", "from", "to",
                                              std::make_error_code(std::errc::no_space_on_device));
    case Throw::stream:
      throw std::ios_base::failure("reading", std::io_errc::stream);
  }
  return i;
}

class RemoteErrors : public testing::Test {
 protected:
  // The error of the second of three tasks; the others are right.
  std::exception_ptr error_of(Throw what) {
    Parallel parallel(processes());
    const auto outcomes =
        parallel.outcomes(tasks(3, [=](int i) { return delayed<throws>(i, what); }));
    EXPECT_TRUE(outcomes[0].has_value() && outcomes[2].has_value());
    EXPECT_FALSE(outcomes[1].has_value());
    expect_usable(parallel);
    return outcomes[1].error();
  }

  template <class E, class Check>
  void expect(Throw what, Check check) {
    try {
      std::rethrow_exception(error_of(what));
    } catch (const E& error) {
      const auto detail = task_error(error);
      ASSERT_TRUE(detail) << error.what();
      EXPECT_EQ(detail->failure().index, 1u);
      check(error, detail->failure());
    } catch (const std::exception& error) {
      FAIL() << "another type came: " << error.what();
    }
  }
};

TEST_F(RemoteErrors, WhoseCodecThrowsArriveAllTheSame) {
  expect<TaskError>(Throw::breaks, [](const TaskError&, const TaskFailure& failure) {
    EXPECT_NE(failure.cause_type.find("Breaks"), std::string::npos);
    EXPECT_EQ(failure.cause, "breaks");
  });
}

TEST_F(RemoteErrors, OfAnySizeArrive) {
  expect<Heavy>(Throw::heavy, [](const Heavy& error, const TaskFailure&) {
    EXPECT_EQ(error.contents, std::vector<double>(300'000, 1.5));
  });
  expect<std::runtime_error>(Throw::long_text, [](const auto& error, const TaskFailure&) {
    EXPECT_EQ(error.what(), std::string(3'000'000, 'x'));
  });
}

TEST_F(RemoteErrors, OfTheStandardLibraryKeepWhatTheyHold) {
  using FileError = std::filesystem::filesystem_error;
  expect<FileError>(Throw::file, [](const FileError& error, const TaskFailure&) {
    EXPECT_EQ(error.path1(), "from");
    EXPECT_EQ(error.path2(), "to");
    EXPECT_EQ(error.code(), std::errc::no_space_on_device);
  });
  using StreamError = std::ios_base::failure;
  expect<StreamError>(Throw::stream, [](const StreamError& error, const TaskFailure&) {
    EXPECT_EQ(error.code(), std::io_errc::stream);
  });
}

int dies(int) {
  std::_Exit(7);
}

int calls_one_that_dies(int i) {
  Parallel inner({.n_jobs = 2, .backend = "processes"});
  return inner(tasks(2, [](int k) { return delayed<dies>(k); }))[0] + i;
}

TEST_F(RemoteErrors, OfLostWorkersSayHowOnTheirWayOutOfNestedCalls) {
  Parallel parallel(processes());
  try {
    (void)parallel(tasks(2, [](int i) { return delayed<calls_one_that_dies>(i); }));
    FAIL();
  } catch (const WorkerLostError& error) {
    EXPECT_EQ(error.loss().exit_code, 7);
    ASSERT_TRUE(task_error(error));
    EXPECT_EQ(task_error(error)->failure().within.size(), 1u);
  }
}

TEST_F(RemoteErrors, MayHaveNoWords) {
  expect<Silent>(Throw::silent, [](const Silent&, const TaskFailure& failure) {
    EXPECT_NE(failure.cause.find("null"), std::string::npos) << failure.cause;
  });
}

TEST_F(RemoteErrors, OfOtherTypesSayWhatTheySaid) {
  const auto says = [&](Throw what, const std::string& type, const std::string& words) {
    expect<TaskError>(what, [&](const TaskError&, const TaskFailure& failure) {
      EXPECT_NE(failure.cause_type.find(type), std::string::npos) << failure.cause_type;
      EXPECT_EQ(failure.cause, words);
    });
  };
  says(Throw::mine, "Mine", "mine");
  says(Throw::number, "int", "42");
  says(Throw::text, "char const*", "only text");
  says(Throw::object, "NoException", "");
}

TEST_F(RemoteErrors, KeepWhatIsNestedInThem) {
  expect<std::runtime_error>(Throw::nested, [](const auto& error, const TaskFailure& failure) {
    EXPECT_STREQ(error.what(), "level 1");
    EXPECT_THROW(std::rethrow_if_nested(error), std::out_of_range);
    EXPECT_EQ(failure.nested, std::vector<std::string>{"std::out_of_range: level 0"});
  });
  expect<TaskError>(Throw::nested_in_mine, [](const TaskError& error, const TaskFailure& failure) {
    EXPECT_EQ(failure.cause_type, "paracord::process_tests::Mine");
    EXPECT_THROW(std::rethrow_if_nested(error), std::out_of_range);
  });
  expect<Holder>(Throw::holder, [](const Holder& error, const TaskFailure&) {
    EXPECT_STREQ(error.what(), "of the zeroth");
    EXPECT_THROW(error.rethrow_nested(), std::out_of_range);
  });
  expect<std::runtime_error>(Throw::nested_thrice, [](const auto& error, const TaskFailure& all) {
    EXPECT_EQ(all.nested, (std::vector<std::string>{"std::runtime_error: level 2",
                                                    "std::runtime_error: level 1",
                                                    "std::out_of_range: level 0"}));
    try {
      std::rethrow_if_nested(error);
      FAIL();
    } catch (const std::runtime_error& second) {
      EXPECT_STREQ(second.what(), "level 2");
    }
  });
}

int calls(int i, Throw what, std::string backend) {
  if (i != 1) return i;
  Parallel inner({.n_jobs = 2, .backend = backend});
  inner(tasks(3, [=](int k) { return delayed<throws>(k, what); }));
  return 0;
}

int throws_out_of_range(int i) {
  return std::vector<int>(1).at(static_cast<std::size_t>(i));
}

int calls_at(int i, std::string backend) {
  Parallel inner({.n_jobs = 2, .backend = backend});
  inner(tasks(3, [](int k) { return delayed<throws_out_of_range>(k); }));
  return i;
}

TEST_F(RemoteErrors, KeepTheirTypeOnTheirWayOutOfNestedCalls) {
  for (const char* backend : {"threads", "sequential", "processes"}) {
    Parallel parallel(processes());
    try {
      parallel(tasks(4, [=](int i) { return delayed<calls_at>(i + 10, backend); }));
      FAIL();
    } catch (const std::out_of_range& error) {
      const auto detail = task_error(error);
      ASSERT_TRUE(detail);
      const TaskFailure& failure = detail->failure();
      EXPECT_EQ(failure.cause_type, "std::out_of_range");
      EXPECT_NE(failure.function.find("calls_at"), std::string::npos);
      ASSERT_EQ(failure.within.size(), 1u);
      EXPECT_NE(failure.within[0].function.find("throws_out_of_range"), std::string::npos);
      EXPECT_NE(std::string(detail->what()).find("throws_out_of_range"), std::string::npos);
    }
    expect_usable(parallel);
  }
}

TEST_F(RemoteErrors, OfOtherTypesAndNestedOnesPassNestedCalls) {
  Parallel parallel(processes());
  const auto outcome_of = [&](Throw what) {
    return parallel
        .outcomes(tasks(2, [=](int i) { return delayed<calls>(i, what, "processes"); }))[1]
        .error();
  };
  try {
    std::rethrow_exception(outcome_of(Throw::mine));
  } catch (const TaskError& error) {
    EXPECT_EQ(error.failure().cause_type, "paracord::process_tests::Mine");
    EXPECT_EQ(error.failure().cause, "mine");
    ASSERT_EQ(error.failure().within.size(), 1u);
    EXPECT_NE(error.failure().within[0].function.find("throws"), std::string::npos);
  }
  try {
    std::rethrow_exception(outcome_of(Throw::nested));
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "level 1");
    EXPECT_THROW(std::rethrow_if_nested(error), std::out_of_range);
    ASSERT_TRUE(task_error(error));
    EXPECT_EQ(task_error(error)->failure().within.size(), 1u);
  }
}

std::string host_here(int) {
  return std::string(this_worker().host);
}

TEST_F(RemoteErrors, NameTheHostAsTasksDo) {
  Parallel parallel(processes());
  const std::string host = parallel(tasks(1, [](int i) { return delayed<host_here>(i); }))[0];
  try {
    std::rethrow_exception(error_of(Throw::number));
  } catch (const TaskError& error) {
    EXPECT_EQ(error.failure().host, host);
  }
}

}  // namespace paracord::process_tests
