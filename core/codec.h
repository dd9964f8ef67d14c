#pragma once

#include "paracord/core/encoder.h"

namespace paracord {

/// How values of T become bytes and come back. Specialise it for third-party types:
///
///   template <> struct paracord::Codec<Date> {
///     static void encode(Encoder& out, const Date& date);
///     static Date decode(Decoder& in);
///   };
template <class T>
struct Codec;

}  // namespace paracord
