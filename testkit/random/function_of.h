#pragma once

#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "paracord/cache/memory.h"
#include "paracord/core/parallel.h"
#include "paracord/testkit/random/collect.h"
#include "paracord/testkit/random/digest.h"
#include "paracord/testkit/random/function.h"
#include "paracord/testkit/random/make.h"
#include "paracord/testkit/random/temporary.h"

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

/// What a function of the pool does: a result that depends on each bit of its arguments.
template <class R>
R work(std::uint64_t seed, std::uint64_t arguments, std::uint64_t result_bytes) {
  if constexpr (!std::is_void_v<R>) {
    Maker maker(mix(seed, arguments), static_cast<std::size_t>(result_bytes));
    return make<R>(maker);
  }
}
template <class A, class B>
std::uint64_t digest_of(const A& a, const B& b) {
  return mix(digest(a), digest(b));
}

/// `F(Orders, A, B)`; `Cached(seed, result_bytes, A, B)` does the same for orders without a deed,
/// or is null.
template <auto F, auto Cached, class R, class A, class B>
class FunctionOf final : public Function {
 public:
  FunctionOf(std::string text, bool travels) : text_(std::move(text)), travels_(travels) {}
  std::string text() const override { return text_; }
  bool is_copyable() const override {
    return paracord::detail::is_copyable<A>() && paracord::detail::is_copyable<B>();
  }
  bool can_remember() const override { return remembers; }
  bool travels() const override { return travels_; }

  Observed call(Parallel& parallel, const Plan& plan, const Setting& setting,
                const BeforeTask& before) const override {
    const Storage storage = store(plan);
    const auto of_result = [](const auto& result) { return digest(result); };
    Collector<R, decltype(of_result)> collector(parallel, plan, of_result);
    if constexpr (remembers) {
      if (plan.cached == 1) return call_cached(collector, plan, setting, storage, before);
    }
    return collector.call([&](std::uint32_t i) -> Task<R> {
      before(i);
      return delayed<F>(plan.orders(i, setting), argument<A>(plan, i, true, storage.a),
                        argument<B>(plan, i, false, storage.b));
    });
  }

 private:
  static constexpr bool remembers = !std::is_null_pointer_v<decltype(Cached)>;

  // Some tasks share what they look at.
  static constexpr std::uint32_t shared_by = 3;
  struct Storage {
    std::vector<typename Kept<A>::Type> a;
    std::vector<typename Kept<B>::Type> b;
  };
  template <class T>
  static typename Kept<T>::Type make_argument(const Plan& plan, std::uint32_t i, bool is_first) {
    const std::uint32_t value = plan.value_index(i, is_first);
    Maker maker(mix(plan.seed, 2 * std::uint64_t{value} + is_first),
                is_first ? plan.bytes_of_argument(value) : 0);
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

  template <class ACollector>
  static Observed call_cached(ACollector& collector, const Plan& plan, const Setting& setting,
                              const Storage& storage, const BeforeTask& before) {
    const TemporaryFolder folder(true);
    const Memory memory({.location = folder.path()});
    const auto cached = memory.cache<Cached>();
    return collector.call([&](std::uint32_t i) -> Task<R> {
      before(i);
      return delayed(cached, plan.seed, plan.orders(i, setting).result_bytes,
                     argument<A>(plan, i, true, storage.a), argument<B>(plan, i, false, storage.b));
    });
  }

  const std::string text_;
  const bool travels_;
};

}  // namespace paracord::testkit::random
