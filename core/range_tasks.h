#pragma once

#include <atomic>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

#include "paracord/core/asymmetric_fence.h"
#include "paracord/core/codec.h"
#include "paracord/core/outcome.h"
#include "paracord/core/task.h"
#include "paracord/core/task_range.h"
#include "paracord/core/task_range_argument.h"

namespace paracord {

namespace detail {

template <class R>
std::size_t bytes_of(const R& result) {
  if constexpr (requires {
                  requires std::is_object_v<std::remove_reference_t<decltype(*result.data())>>;
                  result.size();
                }) {
    return sizeof(R) + result.size() * sizeof(*result.data());
  } else {
    return sizeof(R);
  }
}

template <class Range, bool is_concurrent>
class RangeTasks final : public TaskRange {
 public:
  using Call = TaskOf<Range>;
  using Result = StoredResult<typename Call::result_type>;

  explicit RangeTasks(Range&& range)
      : range_(std::forward<Range>(range)), next_(std::ranges::begin(range_)) {}

  Layout layout() const override {
    return {is_concurrent ? 0 : sizeof(Call),
            alignof(Call),
            sizeof(Result),
            alignof(Result),
            is_concurrent || std::is_copy_constructible_v<Call>,
            !std::is_trivially_copyable_v<Result>};
  }
  std::size_t size() const override {
    if constexpr (std::ranges::sized_range<Range>) {
      return static_cast<std::size_t>(std::ranges::size(range_));
    } else {
      return unknown_size;
    }
  }
  bool concurrent() const override { return is_concurrent; }

  bool pull(Slots& slots, std::size_t count) override {
    if constexpr (!is_concurrent) {
      for (; count != 0; --count) {
        // Advance only when the next task is wanted: a lazy range works at each step.
        if (std::exchange(taken_, false)) ++next_;
        if (next_ == std::ranges::end(range_)) return true;
        ::new (task(slots, slots.count)) Call(read());
        taken_ = true;
        ++slots.count;
      }
    }
    return false;
  }

  void run(Slots& slots, std::size_t& index, std::size_t end) override {
    return slots.states == nullptr ? run_all<false>(slots, index, end)
                                   : run_all<true>(slots, index, end);
  }

  void run_one(Slots& slots, std::size_t index, [[maybe_unused]] bool copy) override {
    if constexpr (is_concurrent) {
      Call call(next_[difference(slots, index)]);
      make_result(slots, index, call);
    } else if constexpr (std::is_copy_constructible_v<Call>) {
      if (!copy) return make_result(slots, index, *task(slots, index));
      Call call(std::as_const(*task(slots, index)));
      make_result(slots, index, call);
    } else {
      make_result(slots, index, *task(slots, index));
    }
  }

  void destroy_task(Slots& slots, std::size_t index) override {
    if constexpr (!is_concurrent) std::destroy_at(task(slots, index));
  }
  void destroy_result(Slots& slots, std::size_t index) override {
    std::destroy_at(result(slots, index));
  }
  std::size_t result_bytes(const Slots& slots, std::size_t index) const override {
    return bytes_of(*result(slots, index));
  }
  TaskText text(const Slots& slots, std::size_t index) const override {
    if constexpr (is_concurrent) {
      return Call(next_[difference(slots, index)]).text();
    } else {
      return std::as_const(*task(slots, index)).text();
    }
  }

  std::string why_bound_here() const override { return detail::why_bound_here<Call>(); }
  void encode(const Slots& slots, std::size_t index, Encoder& out) const override {
    if constexpr (is_concurrent) {
      Call(next_[difference(slots, index)]).encode(out);
    } else {
      std::as_const(*task(slots, index)).encode(out);
    }
  }
  void decode_result(Slots& slots, std::size_t index, Decoder& in) override {
    if constexpr (is_encodable<Result>) {
      ::new (result(slots, index)) Result(detail::decode<Result>(in));
    } else {
      detail::refuse_to_encode(detail::why_not_encodable<Result>());
    }
  }

 private:
  using Iterator = std::ranges::iterator_t<Range>;

  // Apart for each kind of reader: the loop is all that an empty task costs.
  template <bool publishes>
  void run_all(Slots& slots, std::size_t& index, std::size_t end) {
    const std::atomic_ref<std::size_t> at(index);
    for (std::size_t i = index; i != end; ++i) {
      at.store(i, std::memory_order_relaxed);
      quick_side_fence();
      if (slots.attention.load(std::memory_order_relaxed)) return;
      if constexpr (is_concurrent) {
        Call call(next_[difference(slots, i)]);
        make_result(slots, i, call);
      } else {
        make_result(slots, i, *task(slots, i));
        std::destroy_at(task(slots, i));
      }
      if (publishes && !slots.publish(i)) return at.store(i + 1, std::memory_order_relaxed);
    }
    at.store(end, std::memory_order_relaxed);
  }

  // An owned container gives its tasks away; a view or a borrowed range keeps them.
  decltype(auto) read() {
    if constexpr (!std::is_lvalue_reference_v<Range> && !std::ranges::view<Range>) {
      return std::ranges::iter_move(next_);
    } else {
      return *next_;
    }
  }
  static Call* task(const Slots& slots, std::size_t index) {
    return static_cast<Call*>(slots.tasks) + index;
  }
  static Result* result(const Slots& slots, std::size_t index) {
    return static_cast<Result*>(slots.results) + index;
  }
  static auto difference(const Slots& slots, std::size_t index) {
    return static_cast<std::iter_difference_t<Iterator>>(slots.first_index + index);
  }
  static void make_result(Slots& slots, std::size_t index, Call& call) {
    if constexpr (std::is_void_v<typename Call::result_type>) {
      call();
    } else {
      ::new (result(slots, index)) Result(call());
    }
  }

  Range range_;
  Iterator next_;
  bool taken_ = false;
};

/// The tasks of `range`, ready for a call.
template <class T>
auto make_range_tasks(T&& range) {
  if constexpr (is_concurrent<std::remove_cvref_t<T>>) {
    using Range = UnwrappedRange<T>;
    return RangeTasks<Range, true>(std::forward<Range>(range.range));
  } else {
    return RangeTasks<T, false>(std::forward<T>(range));
  }
}
template <class T>
using RangeTasksOf = decltype(make_range_tasks(std::declval<T>()));

}  // namespace detail
}  // namespace paracord
