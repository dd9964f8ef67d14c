#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace zmq {
class context_t;
}

namespace paracord::cluster {

/// Decides who may connect to the CURVE servers of a ZeroMQ context (RFC 27): a thread of its own
/// answers for each handshake. Without one, CURVE lets everybody in who knows the server's key.
///
/// Made before the context's sockets are bound, destroyed after they are closed.
/// Threads: `decide` is called by the handler's thread.
class ZapHandler {
 public:
  /// What a peer that is let in is called in its messages' "User-Id"; none: it is turned away.
  /// `domain` is what the server's socket has as its ZAP domain, `key` the peer's public key (Z85);
  /// empty for peers that use the NULL mechanism.
  using Decide =
      std::function<std::optional<std::string>(std::string_view domain, std::string_view key)>;
  ZapHandler(zmq::context_t& context, Decide decide);
  ZapHandler(const ZapHandler&) = delete;
  ~ZapHandler();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace paracord::cluster
