#pragma once

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "paracord/memmap/hash_stream.h"
#include "paracord/memmap/type_text.h"

/// What hash() hashes of each kind of type.
namespace paracord::detail {

template <class T>
void hash_value(HashStream& out, const T& value);

template <class T>
void hash_with_type(HashStream& out, const T& value) {
  static const std::string& text = described_type<T, TextUse::hash>().text();
  static const Digest type = digest_of(text.data(), text.size());
  out.put_digest(type);
  hash_value(out, value);
}

/// Whether all bytes of a T are its value, so that many can be hashed at once.
template <class T>
struct Packed : std::bool_constant<(std::is_arithmetic_v<T> && !std::is_same_v<T, long double>) ||
                                   std::is_enum_v<T>> {};
template <class T, std::size_t count>
struct Packed<T[count]> : Packed<T> {};
template <class T, std::size_t count>
struct Packed<std::array<T, count>> : std::bool_constant<Packed<T>::value && count != 0> {};
template <ComplexNumber T>
struct Packed<T> : Packed<typename T::value_type> {};
template <class T>
constexpr std::size_t bytes_of_fields() {
  return Fields<T>::with([]<class... Field>() { return (sizeof(Field) + ...); });
}
template <class T>
requires(is_flat_memory<T> && !ComplexNumber<T> && Reflected<T>) struct Packed<T>
    : std::bool_constant<Fields<T>::template all<Packed>::value &&
                         bytes_of_fields<T>() == sizeof(T)> {
};

#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
#define PARACORD_CLEARS_PADDING 1
#endif
#endif

/// Bytes of classes whose members are not known, with padding as zeros.
template <class T>
void hash_plain_memory(HashStream& out, const T* first, std::size_t count,
                       const std::shared_ptr<Buffer>* buffer) {
  static_assert(std::is_trivially_copyable_v<T>);
  if constexpr (std::has_unique_object_representations_v<T>) {
    out.memory(first, count * sizeof(T), buffer);
  } else {
#ifdef PARACORD_CLEARS_PADDING
    alignas(T) unsigned char one[sizeof(T)];
    const auto clear = [&one] { __builtin_clear_padding(reinterpret_cast<T*>(one)); };
    std::memset(one, 0xff, sizeof one);
    clear();
    const bool padded = std::any_of(one, one + sizeof one, [](auto byte) { return byte != 0xff; });
    if (!padded) return out.memory(first, count * sizeof(T), buffer);
    std::vector<unsigned char> all(count * sizeof(T));
    for (std::size_t i = 0; i != count; ++i) {
      std::memcpy(one, static_cast<const void*>(first + i), sizeof one);
      clear();
      std::memcpy(all.data() + i * sizeof(T), one, sizeof one);
    }
    out.memory(all.data(), all.size(), nullptr);
#else
    static_assert(std::has_unique_object_representations_v<T>,
                  "hash: the padding of these elements cannot be told from their values; make "
                  "their class an aggregate, or give it members without gaps");
#endif
  }
}

template <class T>
void hash_elements(HashStream& out, const T* first, std::size_t count,
                   const std::shared_ptr<Buffer>* buffer) {
  if constexpr (Packed<T>::value) {
    out.memory(first, count * sizeof(T), buffer);
  } else if constexpr (is_flat<T>) {
    for (std::size_t i = 0; i != count; ++i) hash_value(out, first[i]);
  } else {
    hash_plain_memory(out, first, count, buffer);
  }
}

template <class T>
void hash_array(HashStream& out, const T* first, const ArrayLayout& layout,
                const std::shared_ptr<Buffer>* buffer) {
  const bool fortran = !is_contiguous(layout, Order::c) && is_contiguous(layout, Order::fortran);
  out.put(fortran);
  out.put(static_cast<std::uint64_t>(layout.shape.size()));
  for (const std::size_t length : layout.shape) out.put(static_cast<std::uint64_t>(length));
  const std::size_t count = count_elements(layout.shape);
  if (fortran || is_contiguous(layout, Order::c)) return hash_elements(out, first, count, buffer);
  std::vector<std::byte> packed(count * sizeof(T));
  pack(packed.data(), first, layout, sizeof(T));
  hash_elements(out, reinterpret_cast<const T*>(packed.data()), count, nullptr);
}

template <class C>
void hash_sequence(HashStream& out, const C& values) {
  const auto count = static_cast<std::uint64_t>(std::distance(values.begin(), values.end()));
  out.put(count);
  if constexpr (requires { values.data(); } && (is_flat<typename C::value_type> || is_span<C>)) {
    hash_elements(out, values.data(), values.size(), nullptr);
  } else {
    const HashStream::Deeper deeper(out);
    for (const auto& value : values) {
      if constexpr (std::is_same_v<typename C::value_type, bool>) {
        out.put(static_cast<bool>(value));
      } else {
        hash_value(out, value);
      }
    }
  }
}

template <class C>
void hash_unordered(HashStream& out, const C& values) {
  std::vector<Digest> digests;
  digests.reserve(values.size());
  const HashStream::Deeper deeper(out);
  const auto one = std::make_unique<HashStream>(&out);  // not on the stack, which may go deep
  for (const auto& value : values) {
    one->clear();
    hash_value(*one, value);
    digests.push_back(one->finish());
  }
  std::sort(digests.begin(), digests.end());
  out.put(static_cast<std::uint64_t>(digests.size()));
  for (const Digest& digest : digests) out.put_digest(digest);
}

/// What `serialize` and `save` write to.
class HashArchive {
 public:
  using is_saving = std::true_type;
  using is_loading = std::false_type;
  explicit HashArchive(HashStream& out) : out_(out) {}
  template <class... T>
  HashArchive& operator()(T&&... values) {
    (write(values), ...);
    return *this;
  }
  template <class T>
  HashArchive& operator&(T&& value) {
    return (*this)(value);
  }
  template <class T>
  HashArchive& operator<<(T&& value) {
    return (*this)(value);
  }

 private:
  template <class T>
  void write(const T& value) {
    if constexpr (BasePart<T>) {
      if constexpr (Described<std::remove_cvref_t<decltype(*value.base_ptr)>>) {
        save_serializable(*this, *value.base_ptr);
      } else {
        hash_with_type(out_, std::as_const(*value.base_ptr));
      }
    } else if constexpr (NamedValue<T>) {
      write(value.value);
    } else {
      hash_with_type(out_, value);
    }
  }
  HashStream& out_;
};

/// What a codec writes, with large memory as its digest.
class HashEncoder {
 public:
  HashEncoder();
  ~HashEncoder();
  Encoder& encoder() { return encoder_; }

 private:
  struct Sender;
  const std::unique_ptr<MemorySender> sender_;
  Encoder encoder_;
};

template <class T>
void hash_encoded(HashStream& out, const T& value) {
  HashEncoder encoder;
  encode(encoder.encoder(), value);
  out.put(static_cast<std::uint64_t>(encoder.encoder().size()));
  out.write(encoder.encoder().data(), encoder.encoder().size());
}

template <class T>
void hash_value(HashStream& out, const T& value) {
  static_assert(is_encodable<T>, "hash: this type has no codec; specialise paracord::Codec");
  if constexpr (std::is_same_v<T, long double>) {
    constexpr int of_x87 = 64;
    out.write(&value, std::numeric_limits<T>::digits == of_x87 ? 10 : sizeof(T));
  } else if constexpr (OwnCodec<T> && !is_array_class<T>) {
    hash_encoded(out, value);
  } else if constexpr (Packed<T>::value && is_flat<T>) {
    out.write(&value, sizeof(T));
  } else if constexpr (std::is_array_v<T> || is_std_array<T>) {
    for (const auto& element : value) hash_value(out, element);
  } else if constexpr (ComplexNumber<T>) {
    hash_value(out, value.real());
    hash_value(out, value.imag());
  } else if constexpr (requires { value.buffer(); } && is_array_class<T>) {
    hash_array(out, value.data(), value.layout(), &value.buffer());
  } else if constexpr (is_array_class<T>) {
    hash_array(out, value.data(), value.layout(), nullptr);
  } else if constexpr (Unordered<T>) {
    hash_unordered(out, value);
  } else if constexpr (Sequence<T> || is_span<T> || Text<T>) {
    hash_sequence(out, value);
  } else if constexpr (is_parts<T>) {
    std::apply([&out](const auto&... part) { (hash_value(out, part), ...); }, value);
  } else if constexpr (is_optional<T> || OwningPointer<T>) {
    out.put(static_cast<bool>(value));
    const HashStream::Deeper deeper(out);
    if (value) hash_value(out, *value);
  } else if constexpr (is_variant<T>) {
    if (value.valueless_by_exception()) refuse_to_encode("a std::variant without a value");
    out.put(static_cast<std::uint32_t>(value.index()));
    std::visit([&out](const auto& held) { hash_value(out, held); }, value);
  } else if constexpr (HasCodec<T>) {
    hash_encoded(out, value);  // of the standard: times, bit sets, paths
  } else if constexpr (Serializable<T>) {
    HashArchive archive(out);
    save_serializable(archive, value);
  } else if constexpr (Reflected<T>) {
    visit_fields(value, [&out](const auto&... field) { (hash_value(out, field), ...); });
  } else {
    static_assert(Stateless<T>, "hash: nothing is known of this type; specialise paracord::Codec");
  }
}

}  // namespace paracord::detail
