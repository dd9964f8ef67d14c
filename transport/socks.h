#pragma once

#include <array>
#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

/// What both ends of the SOCKS protocol (version 5, RFC 1928) have in common.
namespace paracord::cluster::socks {

using asio::ip::tcp;

inline constexpr std::uint8_t version = 5, no_authentication = 0, no_method = 0xff, connect = 1;
inline constexpr std::uint8_t by_ipv4 = 1, by_name = 3, by_ipv6 = 4;
inline constexpr std::size_t longest_name = 255;

enum class Answer : std::uint8_t {
  done = 0,
  not_allowed = 2,
  unreachable = 4,
  unknown_command = 7,
  unknown_address = 8
};

/// A host and a port, written in the one way in which they are compared.
using Target = std::pair<std::string, std::uint16_t>;
std::string plain_host(std::string host);
/// Of tcp://HOST:PORT, where PORT may be "*", which is 0.
Target target_of(const std::string& address);

inline constexpr std::size_t buffer_bytes = std::size_t{32} << 10;

template <class Socket, class... Bytes>
asio::awaitable<void> say(Socket& peer, Bytes... bytes) {
  const std::array<std::uint8_t, sizeof...(bytes)> said{static_cast<std::uint8_t>(bytes)...};
  co_await asio::async_write(peer, asio::buffer(said), asio::use_awaitable);
}

template <std::size_t Count, class Socket>
asio::awaitable<std::array<std::uint8_t, Count>> hear(Socket& peer) {
  std::array<std::uint8_t, Count> heard{};
  co_await asio::async_read(peer, asio::buffer(heard), asio::use_awaitable);
  co_return heard;
}

template <class Socket>
asio::awaitable<std::string> hear_text(Socket& peer, std::size_t bytes) {
  std::string heard(bytes, '\0');
  co_await asio::async_read(peer, asio::buffer(heard), asio::use_awaitable);
  co_return heard;
}

/// What `from` says, until it ends. A slow reader slows its writer down, by TCP's own means.
template <class From, class To>
asio::awaitable<void> pass_on(From& from, To& to, std::atomic<std::uint64_t>& bytes) {
  std::vector<std::byte> buffer(buffer_bytes);
  std::error_code ended;
  while (true) {
    const std::size_t some = co_await from.async_read_some(
        asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, ended));
    if (ended) co_return;
    co_await asio::async_write(to, asio::buffer(buffer.data(), some),
                               asio::redirect_error(asio::use_awaitable, ended));
    if (ended) co_return;
    bytes.fetch_add(some);
  }
}

/// Both ways, until one end is gone.
template <class One, class Other>
asio::awaitable<void> join(One& one, Other& other, std::atomic<std::uint64_t>& bytes) {
  using namespace asio::experimental::awaitable_operators;
  co_await (pass_on(one, other, bytes) || pass_on(other, one, bytes));
}

}  // namespace paracord::cluster::socks
