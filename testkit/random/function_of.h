#pragma once

#include <chrono>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "paracord/core/parallel.h"
#include "paracord/testkit/random/digest.h"
#include "paracord/testkit/random/function.h"
#include "paracord/testkit/random/make.h"

namespace paracord::testkit::random {

/// How an argument of type A is kept by the caller: views borrow from it.
template <class A>
struct Kept {
  using Type = A;
  static constexpr bool borrows = false;
};
template <class T>
struct Kept<std::span<const T>> {
  using Type = std::vector<T>;
  static constexpr bool borrows = true;
};
template <>
struct Kept<std::string_view> {
  using Type = std::string;
  static constexpr bool borrows = true;
};
template <class T>
struct Kept<ArrayView<const T>> {
  using Type = Array<T>;
  static constexpr bool borrows = true;
};

/// What a task of the pool does: a result that depends on each bit of its arguments.
template <class R>
R work(const Orders& orders, std::uint64_t arguments) {
  carry_out(orders);
  if constexpr (!std::is_void_v<R>) {
    Maker maker(mix(orders.seed, arguments), static_cast<std::size_t>(orders.result_bytes));
    return make<R>(maker);
  }
}
template <class A, class B>
std::uint64_t digest_of(const A& a, const B& b) {
  return mix(digest(a), digest(b));
}

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

template <auto F, class R, class A, class B>
class FunctionOf final : public Function {
 public:
  explicit FunctionOf(std::string text) : text_(std::move(text)) {}
  std::string text() const override { return text_; }
  bool is_copyable() const override {
    return std::is_copy_constructible_v<A> && std::is_copy_constructible_v<B>;
  }

  Observed call(Parallel& parallel, const Plan& plan, const Setting& setting,
                const BeforeTask& before) const override {
    const Storage storage = store(plan);
    const auto make_task = [&](std::uint32_t i) {
      before(i);
      return task(plan.orders(i, setting), plan, storage, i);
    };
    Observed seen;
    try {
      if (plan.sized != 0) {
        collect(parallel, plan,
                std::views::iota(0u, plan.task_count()) | std::views::transform(make_task), seen);
      } else {
        collect(parallel, plan, Input(plan.task_count(), make_task), seen);
      }
    } catch (...) {
      seen.thrown = current_failure();
    }
    return seen;
  }

 private:
  // Some tasks share what they look at.
  static constexpr std::uint32_t shared_by = 3;
  struct Storage {
    std::vector<typename Kept<A>::Type> a;
    std::vector<typename Kept<B>::Type> b;
  };
  template <class T>
  static typename Kept<T>::Type make_argument(const Plan& plan, std::uint32_t i, bool is_first) {
    Maker maker(mix(plan.seed, 2 * std::uint64_t{i} + is_first),
                is_first ? plan.bytes_of_argument(i) : 0);
    return make<typename Kept<T>::Type>(maker);
  }
  static Storage store(const Plan& plan) {
    Storage storage;
    for (std::uint32_t i = 0; i < plan.task_count(); i += shared_by) {
      if constexpr (Kept<A>::borrows) storage.a.push_back(make_argument<A>(plan, i, true));
      if constexpr (Kept<B>::borrows) storage.b.push_back(make_argument<B>(plan, i, false));
    }
    return storage;
  }
  template <class T>
  static decltype(auto) argument(const Plan& plan, std::uint32_t i, bool is_first,
                                 const std::vector<typename Kept<T>::Type>& kept) {
    if constexpr (Kept<T>::borrows) {
      return T(kept[i / shared_by]);
    } else {
      return make_argument<T>(plan, i, is_first);
    }
  }
  static Task<R> task(Orders orders, const Plan& plan, const Storage& storage, std::uint32_t i) {
    return delayed<F>(std::move(orders), argument<A>(plan, i, true, storage.a),
                      argument<B>(plan, i, false, storage.b));
  }

  template <class Range>
  static void collect(Parallel& parallel, const Plan& plan, Range&& range, Observed& seen) {
    switch (plan.how()) {
      case Collect::list:
        if constexpr (std::is_void_v<R>) {
          parallel(range);
          seen.endings.resize(plan.task_count());
        } else {
          for (const auto& result : parallel(range)) seen.endings.push_back({digest(result), {}});
        }
        return;
      case Collect::outcomes:
        for (const auto& outcome : parallel.outcomes(range))
          seen.endings.push_back(end_of(outcome));
        return;
      case Collect::generator: {
        auto results = parallel.generator(std::forward<Range>(range));
        return read(results, plan, seen);
      }
      case Collect::generator_unordered: {
        auto results = parallel.generator_unordered(std::forward<Range>(range));
        return read(results, plan, seen);
      }
    }
  }
  static Ending end_of(const Outcome<R>& outcome) {
    if (outcome.has_value()) {
      if constexpr (std::is_void_v<R>) {
        return {};
      } else {
        return {digest(outcome.value()), {}};
      }
    }
    try {
      std::rethrow_exception(outcome.error());
    } catch (...) {
      return {0, current_failure()};
    }
  }
  static void read(Generator<R>& results, const Plan& plan, Observed& seen) {
    if (plan.read == 0) return;
    for (const auto& result : results) {
      if constexpr (std::is_void_v<R>) {
        seen.endings.emplace_back();
      } else {
        seen.endings.push_back({digest(result), {}});
      }
      if (plan.slow_us != 0) std::this_thread::sleep_for(std::chrono::microseconds(plan.slow_us));
      if (static_cast<Plan::Number>(seen.endings.size()) == plan.read) return;
    }
  }

  const std::string text_;
};

}  // namespace paracord::testkit::random
