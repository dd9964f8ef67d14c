#pragma once

#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "paracord/core/outcome.h"
#include "paracord/core/task_range.h"

namespace paracord::detail {

/// Results as a std::vector. Where the number is known and R is plain data they are made in their
/// final place.
template <class R>
class VectorCollector final : public Collector {
 public:
  void expect(std::size_t count) override {
    if constexpr (in_place) {
      results_.resize(count);
      places_ = results_.data();
    } else {
      results_.reserve(count);
    }
  }
  void* place(std::size_t first_index) override {
    return places_ == nullptr ? nullptr : places_ + first_index;
  }
  void collect(Slots& slots, const Gaps*) override {
    R* results = static_cast<R*>(slots.results);
    for (std::size_t i = 0; i != slots.count; ++i) {
      results_.push_back(std::move(results[i]));
      std::destroy_at(results + i);
    }
  }
  std::vector<R> take() { return std::move(results_); }

 private:
  static constexpr bool in_place = std::is_trivially_default_constructible_v<R> &&
                                   std::is_trivially_copyable_v<R> && !std::is_same_v<R, bool>;
  std::vector<R> results_;
  R* places_ = nullptr;  // apart from the vector, which grows meanwhile where the number is unknown
};

/// Results of void tasks: nothing.
class NothingCollector final : public Collector {
 public:
  void expect(std::size_t) override {}
  void* place(std::size_t) override { return nullptr; }
  void collect(Slots&, const Gaps*) override {}
  void take() {}
};

/// A value or an error for each task.
template <class R>
class OutcomeCollector final : public Collector {
 public:
  void expect(std::size_t count) override { outcomes_.reserve(count); }
  void* place(std::size_t) override { return nullptr; }
  void collect(Slots& slots, const Gaps* gaps) override {
    auto* results = static_cast<StoredValue*>(slots.results);
    for (std::size_t i = 0; i != slots.count; ++i) {
      if (gaps != nullptr && gaps->missing(i)) {
        outcomes_.emplace_back(gaps->error(i));
      } else {
        outcomes_.emplace_back(std::move(results[i]));
        std::destroy_at(results + i);
      }
    }
  }
  std::vector<Outcome<R>> take() { return std::move(outcomes_); }

 private:
  using StoredValue = std::conditional_t<std::is_void_v<R>, Unit, R>;
  std::vector<Outcome<R>> outcomes_;
};

}  // namespace paracord::detail
