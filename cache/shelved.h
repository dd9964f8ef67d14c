#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "paracord/cache/cache.h"

namespace paracord {

namespace detail {

/// Loads a shelved result.
template <class R>
class ShelvedFrame final : public CallFrame {
 public:
  const TypeText& type() const override { return described_type<R>(); }
  std::string arguments() const override { return "…"; }
  void compute() override {}
  void encode(Encoder&) const override {}
  void decode(Decoder& in) override { value.emplace(detail::decode<R>(in)); }
  std::optional<R> value;
};

[[noreturn]] void refuse_missing(const FunctionSpec& function, const Digest& key);

}  // namespace detail

/// Names a result that lies in a cache: small, whatever the result's size, so it can be handed to
/// tasks in its place. Made by call_and_shelve().
///
/// Threads: any. Copies name the same result.
template <class R>
class Shelved {
 public:
  Shelved(std::shared_ptr<detail::Cache> cache, detail::FunctionSpec function, Digest key)
      : cache_(std::move(cache)), function_(std::move(function)), key_(key) {}
  /// Of a result that no cache keeps.
  explicit Shelved(R value) : value_(std::make_shared<const R>(std::move(value))) {}

  /// Loads the result. Throws std::out_of_range where it was erased, or cannot be read any more.
  R get() const {
    if (value_ != nullptr) return *value_;
    detail::ShelvedFrame<R> frame;
    detail::FunctionSpec function = function_;
    function.expires_after.reset();  // it was valid when it was shelved
    if (!cache_->load(function, key_, frame)) detail::refuse_missing(function_, key_);
    return *std::move(frame.value);
  }
  /// Erases the result from the cache.
  void clear() const {
    if (cache_ != nullptr) cache_->store().erase({function_.folder, key_});
  }

 private:
  friend struct Codec<Shelved>;
  std::shared_ptr<detail::Cache> cache_;
  detail::FunctionSpec function_;
  Digest key_;
  std::shared_ptr<const R> value_;  // copies share it
};

template <class R>
requires detail::is_encodable<R>
struct Codec<Shelved<R>> {
  static void encode(Encoder& out, const Shelved<R>& shelved) {
    detail::encode(out, shelved.value_ != nullptr);
    if (shelved.value_ != nullptr) return detail::encode(out, *shelved.value_);
    detail::encode(out, shelved.cache_->spec());
    detail::encode(out, shelved.function_);
    detail::encode(out, shelved.key_.high);
    detail::encode(out, shelved.key_.low);
  }
  static Shelved<R> decode(Decoder& in) {
    if (detail::decode<bool>(in)) return Shelved<R>(detail::decode<R>(in));
    const auto spec = detail::decode<detail::CacheSpec>(in);
    auto function = detail::decode<detail::FunctionSpec>(in);
    const auto high = detail::decode<std::uint64_t>(in);
    const auto low = detail::decode<std::uint64_t>(in);
    return Shelved<R>(detail::find_or_open_cache(spec), std::move(function), Digest{high, low});
  }
};

}  // namespace paracord
