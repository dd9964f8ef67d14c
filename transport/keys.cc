#include "paracord/transport/keys.h"

#include <zmq.h>

#include <array>
#include <stdexcept>

namespace paracord::cluster {

namespace {

constexpr std::size_t key_characters = 40;

}  // namespace

KeyPair make_key_pair() {
  std::array<char, key_characters + 1> public_key{}, secret_key{};
  if (zmq_curve_keypair(public_key.data(), secret_key.data()) != 0)
    throw std::runtime_error("this ZeroMQ was built without CURVE: no keys can be made with it");
  return {public_key.data(), secret_key.data()};
}

bool is_key(std::string_view text) {
  if (text.size() != key_characters) return false;
  std::array<unsigned char, key_characters> bytes{};
  return zmq_z85_decode(bytes.data(), std::string(text).c_str()) != nullptr;
}

}  // namespace paracord::cluster
