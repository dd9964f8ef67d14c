#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "paracord/cache/cached_call.h"
#include "paracord/cache/shelved.h"

namespace paracord {

template <class Signature, auto F, class... Tags>
class CachedFunctionOf;

/// A function F that remembers: a call with arguments that are equal to those of an earlier one
/// returns what that one returned. Made by Memory::cache(). It is a callable like F, and
/// `delayed(cached, arguments…)` is a task on any backend.
///
/// Threads: any; also any number of processes and machines on one folder. Of equal calls at one
/// time one is made, and the others wait for it; where its process dies, one of them makes it.
/// Errors: what F throws; such a call is not remembered. Trouble with the store costs the call only
/// its memory: see MemoryOptions::on_warning.
template <class R, class... P, auto F, class... Tags>
class CachedFunctionOf<R(P...), F, Tags...> {
  using Call = detail::CachedCall<R(P...), F, Tags...>;

 public:
  CachedFunctionOf(std::shared_ptr<detail::Cache> cache,
                   std::shared_ptr<const detail::FunctionSpec> function)
      : cache_(std::move(cache)), function_(std::move(function)) {}

  /// F(arguments…), or what it returned before.
  R operator()(P... arguments) const {
    typename Call::Frame frame(arguments...);
    if (cache_ == nullptr) {
      frame.compute();
    } else {
      cache_->call(*function_, Call::key(*function_, arguments...), frame);
    }
    return frame.take();
  }
  /// F(arguments…), made in any case, and remembered in place of what was.
  R recompute(P... arguments) const {
    typename Call::Frame frame(arguments...);
    if (cache_ == nullptr) {
      frame.compute();
    } else {
      cache_->recompute(*function_, Call::key(*function_, arguments...), frame);
    }
    return frame.take();
  }
  /// As a call, but the result stays where it lies. Where it could not be kept, the handle holds
  /// it.
  Shelved<R> call_and_shelve(P... arguments) const {
    typename Call::Frame frame(arguments...);
    if (cache_ == nullptr) {
      frame.compute();
      return Shelved<R>(frame.take());
    }
    const Digest key = Call::key(*function_, arguments...);
    if (!cache_->ensure(*function_, key, frame)) return Shelved<R>(frame.take());
    return Shelved<R>(cache_, *function_, key);
  }
  /// Whether a call with these arguments would load its result. Loads nothing.
  bool contains(const std::decay_t<P>&... arguments) const {
    return cache_ != nullptr && cache_->contains(*function_, Call::key(*function_, arguments...),
                                                 Call::code(), Call::tags.check);
  }
  /// Forgets the call with these arguments.
  void erase(const std::decay_t<P>&... arguments) const {
    if (cache_ != nullptr)
      cache_->store().erase({function_->folder, Call::key(*function_, arguments...)});
  }
  /// Forgets all calls of F, in all versions.
  void clear() const {
    if (cache_ != nullptr) cache_->store().clear(function_->folder);
  }

 private:
  friend struct Codec<CachedFunctionOf>;
  std::shared_ptr<detail::Cache> cache_;  // that of the Memory; null: nothing is remembered
  std::shared_ptr<const detail::FunctionSpec> function_;  // copies share it
};

template <auto F, class... Tags>
using CachedFunction =
    CachedFunctionOf<typename detail::PlainSignature<std::remove_cv_t<decltype(F)>>::Type, F,
                     Tags...>;

template <class R, class... P, auto F, class... Tags>
struct Codec<CachedFunctionOf<R(P...), F, Tags...>> {
  using Function = CachedFunctionOf<R(P...), F, Tags...>;
  static void encode(Encoder& out, const Function& function) {
    detail::encode(out, function.cache_ != nullptr);
    if (function.cache_ == nullptr) return;
    detail::encode(out, function.cache_->spec());
    detail::encode(out, *function.function_);
  }
  static Function decode(Decoder& in) {
    if (!detail::decode<bool>(in)) return Function(nullptr, nullptr);
    const auto spec = detail::decode<detail::CacheSpec>(in);
    auto function =
        std::make_shared<const detail::FunctionSpec>(detail::decode<detail::FunctionSpec>(in));
    return Function(detail::find_or_open_cache(spec), std::move(function));
  }
};

}  // namespace paracord
