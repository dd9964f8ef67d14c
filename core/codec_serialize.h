#pragma once

#include <type_traits>
#include <utility>

#include "paracord/core/codec_kinds.h"

/// Classes that describe themselves as cereal wants it: a member or free function
/// `serialize(archive)`, or `save` and `load`. cereal itself is not needed.
namespace paracord::detail {

template <class T>
void encode(Encoder& out, const T& value);
template <class T>
void decode_into(Decoder& in, T& value);
template <class T, class... Within>
constexpr bool can_encode();

class OutputArchive;
class InputArchive;

template <class T>
concept MemberSerialize = requires(T& value, OutputArchive& out, InputArchive& in) {
  value.serialize(out);
  value.serialize(in);
};
template <class T>
concept FreeSerialize = requires(T& value, OutputArchive& out, InputArchive& in) {
  serialize(out, value);
  serialize(in, value);
};
template <class T>
concept MemberSave = requires(T& value, const T& constant, OutputArchive& out, InputArchive& in) {
  constant.save(out);
  value.load(in);
};
template <class T>
concept FreeSave = requires(T& value, const T& constant, OutputArchive& out, InputArchive& in) {
  save(out, constant);
  load(in, value);
};

/// The class that a member function stands in, which may be a base.
template <class M>
struct MemberOf;
template <class R, class C, class... P>
struct MemberOf<R (C::*)(P...)> {
  using Type = C;
};
template <class R, class C, class... P>
struct MemberOf<R (C::*)(P...) const> : MemberOf<R (C::*)(P...)> {};
template <class R, class C, class... P>
struct MemberOf<R (C::*)(P...) noexcept> : MemberOf<R (C::*)(P...)> {};
template <class R, class C, class... P>
struct MemberOf<R (C::*)(P...) const noexcept> : MemberOf<R (C::*)(P...)> {};

/// What a function of the class C writes is not all of a T: C is a base that holds something (so it
/// is no helper which asks the derived class), and T holds more.
template <class T, class C>
inline constexpr bool misses_members =
    !std::is_same_v<T, C> && !std::is_empty_v<C> && !adds_nothing<T, C>;
template <class T>
constexpr bool inherits_member_function() {
  if constexpr (requires {
                  typename MemberOf<decltype(&T::template serialize<OutputArchive>)>::Type;
                }) {
    using C = typename MemberOf<decltype(&T::template serialize<OutputArchive>)>::Type;
    return misses_members<T, C>;
  } else if constexpr (requires {
                         typename MemberOf<decltype(&T::template save<OutputArchive>)>::Type;
                       }) {
    using C = typename MemberOf<decltype(&T::template save<OutputArchive>)>::Type;
    return misses_members<T, C>;
  } else {
    return false;
  }
}

template <class T>
struct AsBase {
  template <class Base>
  requires(std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>) operator Base&() const;
};
template <class T>
struct AsItself {
  template <class Same>
  requires std::is_same_v<Same, T>
  operator Same&() const;
};
/// A free function takes a T for the base that it is.
template <class T>
concept FreeOfBase = (
                         requires(OutputArchive & out) { serialize(out, AsBase<T>{}); } &&
                         !requires(OutputArchive & out) { serialize(out, AsItself<T>{}); }) ||
                     (
                         requires(OutputArchive & out) { save(out, AsBase<T>{}); } &&
                         !requires(OutputArchive & out) { save(out, AsItself<T>{}); });

template <class T>
concept Described = std::is_class_v<T> && std::is_default_constructible_v<T> &&
    (MemberSerialize<T> || MemberSave<T> || FreeSerialize<T> || FreeSave<T>);
/// It is written by what was made for a base of it.
template <class T>
concept InheritedSerialize = Described<T> &&
    (MemberSerialize<T> || MemberSave<T> ? inherits_member_function<T>() : FreeOfBase<T>);
template <class T>
concept Serializable = !KnownContainer<T> && Described<T> && !InheritedSerialize<T>;

template <class T>
concept NamedValue = is_called<std::remove_const_t<T>>(
    "cereal::NameValuePair<") || is_called<std::remove_const_t<T>>("boost::serialization::nvp<");
template <class T>
concept BasePart = is_called<std::remove_const_t<T>>(
    "cereal::base_class<") || is_called<std::remove_const_t<T>>("cereal::virtual_base_class<");

template <class Archive, class T>
void save_serializable(Archive& out, const T& value) {
  if constexpr (MemberSerialize<T>) {
    const_cast<T&>(value).serialize(out);
  } else if constexpr (MemberSave<T>) {
    value.save(out);
  } else if constexpr (FreeSerialize<T>) {
    serialize(out, const_cast<T&>(value));
  } else {
    save(out, value);
  }
}
template <class T>
void load_serializable(InputArchive& in, T& value) {
  if constexpr (MemberSerialize<T>) {
    value.serialize(in);
  } else if constexpr (MemberSave<T>) {
    value.load(in);
  } else if constexpr (FreeSerialize<T>) {
    serialize(in, value);
  } else {
    load(in, value);
  }
}

/// What `serialize` and `save` write to.
class OutputArchive {
 public:
  using is_saving = std::true_type;
  using is_loading = std::false_type;
  explicit OutputArchive(Encoder& out) : out_(out) {}
  template <class... T>
  OutputArchive& operator()(T&&... values) {
    (write(values), ...);
    return *this;
  }
  template <class T>
  OutputArchive& operator&(T&& value) {
    return (*this)(value);
  }
  template <class T>
  OutputArchive& operator<<(T&& value) {
    return (*this)(value);
  }

 private:
  template <class T>
  void write(const T& value) {
    if constexpr (BasePart<T>) {
      if constexpr (Described<std::remove_cvref_t<decltype(*value.base_ptr)>>) {
        save_serializable(*this, *value.base_ptr);
      } else {
        encode(out_, std::as_const(*value.base_ptr));
      }
    } else if constexpr (NamedValue<T>) {
      write(value.value);
    } else {
      encode(out_, value);
    }
  }
  Encoder& out_;
};

/// What `serialize` and `load` read from.
class InputArchive {
 public:
  using is_saving = std::false_type;
  using is_loading = std::true_type;
  explicit InputArchive(Decoder& in) : in_(in) {}
  template <class... T>
  InputArchive& operator()(T&&... values) {
    (read(values), ...);
    return *this;
  }
  template <class T>
  InputArchive& operator&(T&& value) {
    return (*this)(value);
  }
  template <class T>
  InputArchive& operator>>(T&& value) {
    return (*this)(value);
  }

 private:
  template <class T>
  void read(T& value) {
    if constexpr (BasePart<T>) {
      if constexpr (Described<std::remove_cvref_t<decltype(*value.base_ptr)>>) {
        load_serializable(*this, *value.base_ptr);
      } else {
        decode_into(in_, *value.base_ptr);
      }
    } else if constexpr (NamedValue<T>) {
      read(value.value);
    } else {
      decode_into(in_, value);
    }
  }
  Decoder& in_;
};

}  // namespace paracord::detail
