#pragma once

#include "paracord/core/codec_many_field_types.h"

/// The rest of codec_many_field_types.h: of up to 12 members.
namespace paracord::detail {

template <std::size_t count, class T>
constexpr auto list_fields_to_12(T& value) {
  if constexpr (count == 7) {
    auto& [f0, f1, f2, f3, f4, f5, f6] = value;
    return make_field_list<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4),
                           decltype(f5), decltype(f6)>(
        std::bool_constant<requires { bind_fields(f0, f1, f2, f3, f4, f5, f6); }>());
  } else if constexpr (count == 8) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7] = value;
    return make_field_list<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4),
                           decltype(f5), decltype(f6), decltype(f7)>(
        std::bool_constant<requires { bind_fields(f0, f1, f2, f3, f4, f5, f6, f7); }>());
  } else if constexpr (count == 9) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8] = value;
    return make_field_list<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4),
                           decltype(f5), decltype(f6), decltype(f7), decltype(f8)>(
        std::bool_constant<requires { bind_fields(f0, f1, f2, f3, f4, f5, f6, f7, f8); }>());
  } else if constexpr (count == 10) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9] = value;
    return make_field_list<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4),
                           decltype(f5), decltype(f6), decltype(f7), decltype(f8), decltype(f9)>(
        std::bool_constant<requires { bind_fields(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9); }>());
  } else if constexpr (count == 11) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10] = value;
    return make_field_list<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4),
                           decltype(f5), decltype(f6), decltype(f7), decltype(f8), decltype(f9),
                           decltype(f10)>(std::bool_constant<requires {
      bind_fields(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10);
    }>());
  } else if constexpr (count == 12) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11] = value;
    return make_field_list<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4),
                           decltype(f5), decltype(f6), decltype(f7), decltype(f8), decltype(f9),
                           decltype(f10), decltype(f11)>(std::bool_constant<requires {
      bind_fields(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11);
    }>());
  } else {
    return list_fields_to_16<count>(value);
  }
}

/// A FieldList of the `count` members of T, or NoFields.
template <std::size_t count, class T>
constexpr auto list_fields(T& value) {
  if constexpr (count == 1) {
    auto& [f0] = value;
    return make_field_list<decltype(f0)>(std::bool_constant<requires { bind_fields(f0); }>());
  } else if constexpr (count == 2) {
    auto& [f0, f1] = value;
    return make_field_list<decltype(f0), decltype(f1)>(
        std::bool_constant<requires { bind_fields(f0, f1); }>());
  } else if constexpr (count == 3) {
    auto& [f0, f1, f2] = value;
    return make_field_list<decltype(f0), decltype(f1), decltype(f2)>(
        std::bool_constant<requires { bind_fields(f0, f1, f2); }>());
  } else if constexpr (count == 4) {
    auto& [f0, f1, f2, f3] = value;
    return make_field_list<decltype(f0), decltype(f1), decltype(f2), decltype(f3)>(
        std::bool_constant<requires { bind_fields(f0, f1, f2, f3); }>());
  } else if constexpr (count == 5) {
    auto& [f0, f1, f2, f3, f4] = value;
    return make_field_list<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4)>(
        std::bool_constant<requires { bind_fields(f0, f1, f2, f3, f4); }>());
  } else if constexpr (count == 6) {
    auto& [f0, f1, f2, f3, f4, f5] = value;
    return make_field_list<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4),
                           decltype(f5)>(
        std::bool_constant<requires { bind_fields(f0, f1, f2, f3, f4, f5); }>());
  } else {
    return list_fields_to_12<count>(value);
  }
}

}  // namespace paracord::detail
