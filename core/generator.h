#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>

#include "paracord/core/outcome.h"
#include "paracord/core/task_range.h"

namespace paracord {

namespace detail {

struct Session;
class GeneratorCall;

/// The compiled half of a generator.
class GeneratorHandle {
 public:
  GeneratorHandle(std::shared_ptr<Session> session, std::unique_ptr<TaskRange> tasks, bool ordered);
  GeneratorHandle(GeneratorHandle&&) noexcept;
  GeneratorHandle& operator=(GeneratorHandle&&) noexcept;
  ~GeneratorHandle();

  /// Drops the current result and waits for the next; null at the end. Throws what the call failed
  /// with.
  void* next();

 private:
  std::unique_ptr<TaskRange> tasks_;
  std::unique_ptr<GeneratorCall> call_;
};

}  // namespace detail

/// The results of a call, as they arrive: an input range, read once, by one thread. Made by
/// Parallel::generator() and generator_unordered(); the tasks have begun already.
///
/// Owns: the call. Destroying the generator cancels what is left of it, and waits for tasks that
/// run. Errors: begin() and ++ throw a task's exception, TimeoutError, CancelledError, and what the
/// input range
///   throws; the generator has then ended. What was done by then is given first: in order, up to
///   the first result that is missing.
template <class R>
class [[nodiscard]] Generator {
  using Value = std::conditional_t<std::is_void_v<R>, detail::Unit, R>;

 public:
  class iterator {
   public:
    using value_type = Value;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    iterator() = default;
    iterator(iterator&&) = default;
    iterator& operator=(iterator&&) = default;

    /// The current result, which may be moved from; valid until ++.
    Value& operator*() const { return *generator_->current_; }
    Value* operator->() const { return generator_->current_; }
    iterator& operator++() {
      generator_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& it, std::default_sentinel_t) { return it.at_end(); }

   private:
    friend class Generator;
    explicit iterator(Generator* generator) : generator_(generator) {}
    bool at_end() const { return generator_->current_ == nullptr; }
    Generator* generator_ = nullptr;
  };

  explicit Generator(detail::GeneratorHandle handle) : handle_(std::move(handle)) {}
  Generator(Generator&&) noexcept = default;
  Generator& operator=(Generator&&) noexcept = default;

  /// Waits for the first result at the first call.
  iterator begin() {
    if (!std::exchange(begun_, true)) advance();
    return iterator(this);
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  void advance() { current_ = static_cast<Value*>(handle_.next()); }

  detail::GeneratorHandle handle_;
  Value* current_ = nullptr;
  bool begun_ = false;
};

}  // namespace paracord
