#pragma once

#include <type_traits>
#include <utility>

#include "paracord/core/codec_containers.h"

/// Codecs of classes that describe themselves as cereal wants it: a member or free function
/// `serialize(archive)`, or `save` and `load`. cereal itself is not needed.
namespace paracord {

namespace detail {

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
template <class T>
concept Serializable = std::is_class_v<T> && std::is_default_constructible_v<T> &&
    (MemberSerialize<T> || MemberSave<T> || FreeSerialize<T> || FreeSave<T>);

/// cereal::NameValuePair, by its members.
template <class T>
concept Named_value = requires(T& pair) {
  pair.name;
  pair.value;
};
/// cereal::base_class and virtual_base_class.
template <class T>
concept Base_part = requires(T& part) {
  part.base_ptr;
};

template <class T>
void save_serializable(OutputArchive& out, const T& value) {
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
    if constexpr (Base_part<const T>) {
      save_serializable(*this, *value.base_ptr);
    } else if constexpr (Named_value<const T> && !is_encodable<T>) {
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
    if constexpr (Base_part<T>) {
      load_serializable(*this, *value.base_ptr);
    } else if constexpr (Named_value<T> && !is_encodable<std::remove_const_t<T>>) {
      read(value.value);
    } else {
      decode_into(in_, value);
    }
  }
  Decoder& in_;
};

}  // namespace detail

template <detail::Serializable T>
requires(!detail::Growing<T>) struct Codec<T> {
  static void encode(Encoder& out, const T& value) {
    detail::OutputArchive archive(out);
    detail::save_serializable(archive, value);
  }
  static T decode(Decoder& in) {
    T value;
    detail::InputArchive archive(in);
    detail::load_serializable(archive, value);
    return value;
  }
};

}  // namespace paracord
