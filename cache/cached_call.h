#pragma once

#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "paracord/cache/cache.h"
#include "paracord/cache/parameters.h"
#include "paracord/core/argument.h"
#include "paracord/core/signature.h"
#include "paracord/memmap/hash.h"

/// What the calls of one cached function have in common: their keys, and how they are made.
namespace paracord::detail {

template <class F>
struct PlainSignature {
  template <class... P>
  static auto make(TypeList<P...>) -> typename Signature<F>::Result (*)(P...);
  using Type = std::remove_pointer_t<decltype(make(typename Signature<F>::Parameters{}))>;
};

template <class P>
inline constexpr bool is_mutable_reference =
    std::is_lvalue_reference_v<P> && !std::is_const_v<std::remove_reference_t<P>>;
template <class P>
inline constexpr bool is_mutable_view = false;
template <class T, std::size_t extent>
inline constexpr bool is_mutable_view<std::span<T, extent>> = !std::is_const_v<T>;
template <class T>
inline constexpr bool is_mutable_view<ArrayView<T>> = !std::is_const_v<T>;

template <class Signature, class... Tags>
struct CachedSignature;

/// What can be told of a function without it.
template <class R, class... P, class... Tags>
struct CachedSignature<R(P...), Tags...> {
  static constexpr CacheTags<sizeof...(P), Tags...> tags{};

  static_assert(
      (is_cache_tag<Tags> && ...),
      "cache: behind the function there may be parameters<…>, ignore<…> and valid_if<…>.");
  static_assert(tags.fits,
                "cache: ignore<…> names a parameter that the function does not have, or "
                "parameters<…> does not name all of them.");
  static_assert(!std::is_void_v<R>, "cache: the function returns nothing that could be kept.");
  static_assert(!std::is_reference_v<R> && !is_view<std::remove_cv_t<R>>,
                "cache: the function returns a reference or a view; return an owning type.");
  static_assert(!(is_mutable_reference<P> || ...) && !(is_mutable_view<std::decay_t<P>> || ...),
                "cache: the function writes through a parameter, and what it writes would be lost "
                "when the result is loaded; let it return its results.");
  static_assert(is_encodable<R>, "cache: the result has no codec; specialise paracord::Codec.");

  template <std::size_t index, class T>
  static void add_type(std::string& text) {
    if constexpr (!tags.ignored[index]) text += type_text<T>() + ",";
  }
  /// The types of what is in a key.
  static std::string types() {
    std::string text;
    [&]<std::size_t... index>(std::index_sequence<index...>) {
      (add_type<index, std::decay_t<P>>(text), ...);
    }
    (std::index_sequence_for<P...>{});
    return text;
  }
};

template <class Signature, auto F, class... Tags>
struct CachedCall;

template <class R, class... P, auto F, class... Tags>
struct CachedCall<R(P...), F, Tags...> : CachedSignature<R(P...), Tags...> {
  using CachedSignature<R(P...), Tags...>::tags;

  template <std::size_t index, class T>
  static void hash_one(HashStream& out, const T& argument) {
    if constexpr (!tags.ignored[index]) {
      static_assert(is_encodable<T>,
                    "cache: a parameter has no codec; specialise paracord::Codec, or ignore it.");
      hash_with_type(out, argument);
    }
  }
  /// F as the program names it.
  static const std::string& code() {
    static const std::string name = value_name<F>();
    return name;
  }
  static Digest key(const FunctionSpec& function, const std::decay_t<P>&... arguments) {
    HashStream out;
    out.put(static_cast<std::uint64_t>(function.version.size()));
    out.write(function.version.data(), function.version.size());
    [&]<std::size_t... index>(std::index_sequence<index...>) {
      (hash_one<index>(out, arguments), ...);
    }
    (std::index_sequence_for<P...>{});
    return out.finish();
  }

  class Frame final : public CallFrame {
   public:
    explicit Frame(std::remove_reference_t<P>&... arguments) : arguments_(arguments...) {}
    const TypeText& type() const override { return described_type<R>(); }
    std::string arguments() const override {
      std::string text;
      std::size_t index = 0;
      std::apply([&](const auto&... argument) { (add_argument(text, index++, argument), ...); },
                 arguments_);
      return text;
    }
    void compute() override {
      std::apply(
          [this](auto&... argument) {
            result_.emplace(std::invoke(F, std::forward<P>(argument)...));
          },
          arguments_);
    }
    void encode(Encoder& out) const override { detail::encode(out, *result_); }
    void decode(Decoder& in) override { result_.emplace(detail::decode<R>(in)); }
    Check check() const override { return tags.check; }
    std::string code() const override { return CachedCall::code(); }
    R take() { return *std::move(result_); }

   private:
    template <class T>
    static void add_argument(std::string& text, std::size_t index, const T& argument) {
      if (index != 0) text += ", ";
      if (!tags.names[index].empty()) text.append(tags.names[index]).append("=");
      print_argument(text, argument);
    }
    std::tuple<std::remove_reference_t<P>&...> arguments_;
    std::optional<R> result_;
  };
};

}  // namespace paracord::detail
