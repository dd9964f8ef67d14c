#include "paracord/backends/zeromq/call_setup.h"

#include "paracord/core/codec.h"

namespace paracord::cluster {

std::string encode_setup(const CallSetup& setup) {
  Encoder out;
  detail::encode(out, setup);
  return {reinterpret_cast<const char*>(out.data()), out.size()};
}

CallSetup decode_setup(const std::string& bytes) {
  Decoder in(bytes.data(), bytes.size());
  return detail::decode<CallSetup>(in);
}

}  // namespace paracord::cluster
