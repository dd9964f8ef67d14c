#pragma once

#include <cstddef>
#include <type_traits>

/// The types of an aggregate's members, as they were declared; none where one of them is a
/// bit-field or a reference, which no visitor can be handed.
namespace paracord::detail {

template <class... Field>
struct FieldList {
  static constexpr bool usable = !(std::is_reference_v<Field> || ...);
  static constexpr bool has_const = (std::is_const_v<std::remove_all_extents_t<Field>> || ...);
  static constexpr bool has_array = (std::is_array_v<Field> || ...);
  template <template <class> class Trait>
  using all = std::bool_constant<(Trait<std::remove_cv_t<Field>>::value && ...)>;
  template <class Use>
  static constexpr void each(Use use) {
    (use.template operator()<std::remove_cv_t<Field>>(), ...);
  }
  template <class Use>
  static constexpr auto with(Use use) {
    return use.template operator()<std::remove_cv_t<Field>...>();
  }
};
struct NoFields {
  static constexpr bool usable = false;
};

/// To be asked for only: a bit-field does not bind.
void bind_fields(auto&... field);

template <class... Field, bool bound>
constexpr auto make_field_list(std::bool_constant<bound>) {
  if constexpr (bound) {
    return FieldList<Field...>{};
  } else {
    return NoFields{};
  }
}

template <std::size_t count, class T>
constexpr auto list_fields_to_24(T& value) {
  if constexpr (count == 21) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
           f20] = value;
    return make_field_list<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4),
                           decltype(f5), decltype(f6), decltype(f7), decltype(f8), decltype(f9),
                           decltype(f10), decltype(f11), decltype(f12), decltype(f13),
                           decltype(f14), decltype(f15), decltype(f16), decltype(f17),
                           decltype(f18), decltype(f19), decltype(f20)>(
        std::bool_constant<requires {
          bind_fields(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16,
                      f17, f18, f19, f20);
        }>());
  } else if constexpr (count == 22) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
           f20, f21] = value;
    return make_field_list<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4),
                           decltype(f5), decltype(f6), decltype(f7), decltype(f8), decltype(f9),
                           decltype(f10), decltype(f11), decltype(f12), decltype(f13),
                           decltype(f14), decltype(f15), decltype(f16), decltype(f17),
                           decltype(f18), decltype(f19), decltype(f20), decltype(f21)>(
        std::bool_constant<requires {
          bind_fields(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16,
                      f17, f18, f19, f20, f21);
        }>());
  } else if constexpr (count == 23) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
           f20, f21, f22] = value;
    return make_field_list<
        decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11),
        decltype(f12), decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17),
        decltype(f18), decltype(f19), decltype(f20), decltype(f21), decltype(f22)>(
        std::bool_constant<requires {
          bind_fields(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16,
                      f17, f18, f19, f20, f21, f22);
        }>());
  } else if constexpr (count == 24) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
           f20, f21, f22, f23] = value;
    return make_field_list<
        decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11),
        decltype(f12), decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17),
        decltype(f18), decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23)>(
        std::bool_constant<requires {
          bind_fields(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16,
                      f17, f18, f19, f20, f21, f22, f23);
        }>());
  }
}

template <std::size_t count, class T>
constexpr auto list_fields_to_20(T& value) {
  if constexpr (count == 17) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16] = value;
    return make_field_list<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4),
                           decltype(f5), decltype(f6), decltype(f7), decltype(f8), decltype(f9),
                           decltype(f10), decltype(f11), decltype(f12), decltype(f13),
                           decltype(f14), decltype(f15), decltype(f16)>(
        std::bool_constant<requires {
          bind_fields(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16);
        }>());
  } else if constexpr (count == 18) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17] = value;
    return make_field_list<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4),
                           decltype(f5), decltype(f6), decltype(f7), decltype(f8), decltype(f9),
                           decltype(f10), decltype(f11), decltype(f12), decltype(f13),
                           decltype(f14), decltype(f15), decltype(f16), decltype(f17)>(
        std::bool_constant<requires {
          bind_fields(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16,
                      f17);
        }>());
  } else if constexpr (count == 19) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18] =
        value;
    return make_field_list<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4),
                           decltype(f5), decltype(f6), decltype(f7), decltype(f8), decltype(f9),
                           decltype(f10), decltype(f11), decltype(f12), decltype(f13),
                           decltype(f14), decltype(f15), decltype(f16), decltype(f17),
                           decltype(f18)>(std::bool_constant<requires {
      bind_fields(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17,
                  f18);
    }>());
  } else if constexpr (count == 20) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18,
           f19] = value;
    return make_field_list<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4),
                           decltype(f5), decltype(f6), decltype(f7), decltype(f8), decltype(f9),
                           decltype(f10), decltype(f11), decltype(f12), decltype(f13),
                           decltype(f14), decltype(f15), decltype(f16), decltype(f17),
                           decltype(f18), decltype(f19)>(std::bool_constant<requires {
      bind_fields(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17,
                  f18, f19);
    }>());
  } else {
    return list_fields_to_24<count>(value);
  }
}

template <std::size_t count, class T>
constexpr auto list_fields_to_16(T& value) {
  if constexpr (count == 13) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12] = value;
    return make_field_list<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4),
                           decltype(f5), decltype(f6), decltype(f7), decltype(f8), decltype(f9),
                           decltype(f10), decltype(f11), decltype(f12)>(
        std::bool_constant<requires {
          bind_fields(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12);
        }>());
  } else if constexpr (count == 14) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13] = value;
    return make_field_list<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4),
                           decltype(f5), decltype(f6), decltype(f7), decltype(f8), decltype(f9),
                           decltype(f10), decltype(f11), decltype(f12), decltype(f13)>(
        std::bool_constant<requires {
          bind_fields(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13);
        }>());
  } else if constexpr (count == 15) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14] = value;
    return make_field_list<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4),
                           decltype(f5), decltype(f6), decltype(f7), decltype(f8), decltype(f9),
                           decltype(f10), decltype(f11), decltype(f12), decltype(f13),
                           decltype(f14)>(std::bool_constant<requires {
      bind_fields(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14);
    }>());
  } else if constexpr (count == 16) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15] = value;
    return make_field_list<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4),
                           decltype(f5), decltype(f6), decltype(f7), decltype(f8), decltype(f9),
                           decltype(f10), decltype(f11), decltype(f12), decltype(f13),
                           decltype(f14), decltype(f15)>(std::bool_constant<requires {
      bind_fields(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15);
    }>());
  } else {
    return list_fields_to_20<count>(value);
  }
}

}  // namespace paracord::detail
