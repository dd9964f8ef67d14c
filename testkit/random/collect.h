#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <ranges>
#include <thread>
#include <type_traits>
#include <utility>

#include "paracord/core/parallel.h"
#include "paracord/testkit/random/function.h"

namespace paracord::testkit::random {

/// An input that is read once and whose length nobody knows.
template <class Make>
class Input {
 public:
  using Task = std::invoke_result_t<Make&, std::uint32_t>;
  Input(std::uint32_t count, Make make) : count_(count), make_(std::move(make)) {}
  struct Iterator {
    using value_type = Task;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;
    Task operator*() const { return input->make_(input->next_); }
    Iterator& operator++() {
      ++input->next_;
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return input->next_ == input->count_; }
    Input* input = nullptr;
  };
  Iterator begin() { return {this}; }
  std::default_sentinel_t end() const { return {}; }

 private:
  std::uint32_t next_ = 0;
  const std::uint32_t count_;
  Make make_;
};

/// Makes the call of a plan with tasks of results R, and notes how each ended. `digest_of` makes a
/// number of a result.
///
/// Threads: one.
template <class R, class DigestOf>
class Collector {
 public:
  Collector(Parallel& parallel, const Plan& plan, DigestOf digest_of)
      : parallel_(parallel), plan_(plan), digest_of_(std::move(digest_of)) {}

  /// `make_task(i)` is the task of index i.
  template <class MakeTask>
  Observed call(MakeTask make_task) {
    try {
      if (plan_.sized != 0) {
        collect(std::views::iota(0u, plan_.task_count()) | std::views::transform(make_task));
      } else {
        collect(Input(plan_.task_count(), make_task));
      }
    } catch (...) {
      seen_.thrown = current_failure();
    }
    return std::move(seen_);
  }

 private:
  template <class Range>
  void collect(Range&& range) {
    switch (plan_.how()) {
      case Collect::list:
        if constexpr (std::is_void_v<R>) {
          parallel_(range);
          seen_.endings.resize(plan_.task_count());
        } else {
          for (const R& result : parallel_(range)) note(result);  // a vector<bool> gives others
        }
        return;
      case Collect::outcomes:
        for (const auto& outcome : parallel_.outcomes(range)) note_outcome(outcome);
        return;
      case Collect::generator: {
        auto results = parallel_.generator(std::forward<Range>(range));
        return read(results);
      }
      case Collect::generator_unordered: {
        auto results = parallel_.generator_unordered(std::forward<Range>(range));
        return read(results);
      }
    }
  }
  template <class Result>
  void note(const Result& result) {
    seen_.endings.push_back({digest_of_(result), {}});
  }
  void note_outcome(const Outcome<R>& outcome) {
    if (outcome.has_value()) {
      if constexpr (std::is_void_v<R>) {
        seen_.endings.emplace_back();
      } else {
        note(outcome.value());
      }
      return;
    }
    try {
      std::rethrow_exception(outcome.error());
    } catch (...) {
      seen_.endings.push_back({0, current_failure()});
    }
  }
  void read(Generator<R>& results) {
    if (plan_.read == 0) return;
    for (const auto& result : results) {
      if constexpr (std::is_void_v<R>) {
        (void)result;
        seen_.endings.emplace_back();
      } else {
        note(result);
      }
      if (plan_.slow_us != 0) std::this_thread::sleep_for(std::chrono::microseconds(plan_.slow_us));
      if (static_cast<Plan::Number>(seen_.endings.size()) == plan_.read) return;
    }
  }

  Parallel& parallel_;
  const Plan& plan_;
  const DigestOf digest_of_;
  Observed seen_;
};

}  // namespace paracord::testkit::random
