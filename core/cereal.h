#pragma once

#include <cereal/archives/binary.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/polymorphic.hpp>
#include <memory>
#include <sstream>
#include <string>
#include <type_traits>

#include "paracord/core/codec.h"

/// Optional: lets pointers to classes with virtual functions travel, by cereal's register of
/// derived classes. Include it before CEREAL_REGISTER_TYPE(Derived), in every file that names the
/// codec.
///
/// Errors: what cereal throws for a class that was not registered.
namespace paracord {

template <class P>
requires(std::is_same_v<P, std::unique_ptr<typename P::element_type>> ||
         std::is_same_v<P, std::shared_ptr<typename P::element_type>>) &&
    detail::is_complete<typename P::element_type>&& std::is_polymorphic_v<
        typename P::element_type> struct Codec<P> {
  static void encode(Encoder& out, const P& pointer) {
    std::ostringstream text;
    cereal::BinaryOutputArchive archive(text);
    archive(pointer);
    detail::encode(out, std::string(text.str()));
  }
  static P decode(Decoder& in) {
    std::istringstream text(detail::decode<std::string>(in));
    cereal::BinaryInputArchive archive(text);
    P pointer;
    archive(pointer);
    return pointer;
  }
};

}  // namespace paracord
