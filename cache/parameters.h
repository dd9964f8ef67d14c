#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

/// What Memory::cache() is told of a function at compile time.
namespace paracord {

struct EntryInfo;

namespace detail {

/// A parameter, by its index from 0 or by a name.
struct ParameterKey {
  static constexpr std::size_t most = 48;
  constexpr ParameterKey(int index) : index(index) {}  // NOLINT: `ignore<1>`
  template <std::size_t size>
  constexpr ParameterKey(const char (&text)[size]) {  // NOLINT: `ignore<"threads">`
    static_assert(size <= most, "a parameter's name has more than 47 characters");
    std::copy_n(text, size, name);
  }
  constexpr std::string_view view() const { return name; }
  bool operator==(const ParameterKey&) const = default;

  int index = -1;
  char name[most]{};
};

}  // namespace detail

/// Names a function's parameters, in order, which C++ does not tell:
/// `memory.cache<simulate, parameters<"model", "threads">, ignore<"threads">>()`. The names also
/// stand in the entries.
template <detail::ParameterKey... names>
struct parameters {};

/// Parameters that do not matter to the result: calls that differ in these alone are one. By index
/// from 0, or by the name that `parameters` gave; any other does not compile.
template <detail::ParameterKey... which>
struct ignore {};

/// An entry counts only while `check(const EntryInfo&)` says so; else the call is made again.
template <auto check>
struct valid_if {};

namespace detail {

template <class Tag>
inline constexpr bool is_cache_tag = false;
template <ParameterKey... names>
inline constexpr bool is_cache_tag<parameters<names...>> = true;
template <ParameterKey... which>
inline constexpr bool is_cache_tag<ignore<which...>> = true;
template <auto check>
inline constexpr bool is_cache_tag<valid_if<check>> = true;

/// What the tags say together, of a function with `count` parameters.
template <std::size_t count, class... Tags>
struct CacheTags {
  static constexpr std::size_t slots = count == 0 ? 1 : count;
  std::array<std::string_view, slots> names{};
  std::array<bool, slots> ignored{};
  bool (*check)(const EntryInfo&) = nullptr;
  bool fits = true;  ///< all that is named is there

  constexpr CacheTags() {
    (add_names(Tags{}), ...);
    (add(Tags{}), ...);
  }

 private:
  template <class Tag>
  constexpr void add_names(Tag) {}
  template <class Tag>
  constexpr void add(Tag) {}
  template <ParameterKey... given>
  constexpr void add_names(parameters<given...>) {
    constexpr std::array<ParameterKey, sizeof...(given)> all{given...};
    fits = fits && sizeof...(given) == count;
    for (std::size_t i = 0; fits && i != count; ++i) {
      names[i] = name_at<given...>(i);
      fits = fits && all[i].index < 0;
    }
  }
  template <ParameterKey... given>
  static constexpr std::string_view name_at(std::size_t at) {
    std::string_view found;
    std::size_t i = 0;
    ((i++ == at ? void(found = static_name<given>) : void()), ...);
    return found;
  }
  template <ParameterKey key>
  static constexpr ParameterKey kept = key;
  template <ParameterKey key>
  static constexpr std::string_view static_name = kept<key>.view();

  template <ParameterKey... which>
  constexpr void add(ignore<which...>) {
    (ignore_one(which), ...);
  }
  constexpr void ignore_one(const ParameterKey& key) {
    bool found = false;
    for (std::size_t i = 0; i != count; ++i) {
      if (key.index < 0 ? names[i] != key.view() : key.index != static_cast<int>(i)) continue;
      ignored[i] = true;
      found = true;
    }
    fits = fits && found;
  }
  template <auto given>
  constexpr void add(valid_if<given>) {
    check = given;
  }
};

}  // namespace detail
}  // namespace paracord
