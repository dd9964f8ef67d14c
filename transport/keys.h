#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace paracord::cluster {

/// A CURVE key pair, in the printable form that ZeroMQ uses (Z85, 40 characters). Empty: none.
struct KeyPair {
  std::string public_key, secret_key;
  bool empty() const { return public_key.empty(); }
};

/// A new pair, from the system's random numbers.
KeyPair make_key_pair();

/// Whether this has the form of a key.
bool is_key(std::string_view text);

}  // namespace paracord::cluster
