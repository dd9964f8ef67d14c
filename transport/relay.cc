#include "paracord/transport/relay.h"

#include <sys/resource.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/connect.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <exception>
#include <optional>
#include <set>
#include <thread>

#include "paracord/core/errors.h"
#include "paracord/core/guarded.h"
#include "paracord/core/service_thread.h"
#include "paracord/transport/sockets.h"
#include "paracord/transport/socks.h"

namespace paracord::cluster {

namespace {

using socks::Target, socks::tcp;

constexpr auto pause_without_descriptors = std::chrono::milliseconds(100);

std::string address_of(const tcp::endpoint& end) {
  const std::string host = end.address().to_string();
  return "tcp://" + (end.address().is_v6() ? "[" + host + "]" : host) + ":" +
         std::to_string(end.port());
}

// Nodes say where they listen, and may say nonsense.
std::optional<Target> readable_target(const std::string& address) {
  if (!address.starts_with("tcp://")) return std::nullopt;
  try {
    check_address(address);
    return socks::target_of(address);
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

// Each connection has two descriptors, and the process has other uses for them.
std::size_t connections_within(std::size_t most) {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return most;
  return std::min<std::size_t>(most, files.rlim_cur / 4);
}

asio::awaitable<void> answer(tcp::socket& peer, socks::Answer what) {
  co_await socks::say(peer, socks::version, what, 0, socks::by_ipv4, 0, 0, 0, 0, 0, 0);
}

asio::awaitable<Target> hear_target(tcp::socket& peer, std::uint8_t kind) {
  std::string host;
  if (kind == socks::by_ipv4) {
    host = asio::ip::make_address_v4(co_await socks::hear<4>(peer)).to_string();
  } else if (kind == socks::by_ipv6) {
    host = asio::ip::make_address_v6(co_await socks::hear<16>(peer)).to_string();
  } else {
    const auto length = co_await socks::hear<1>(peer);
    host = socks::plain_host(co_await socks::hear_text(peer, length[0]));
  }
  const auto port = co_await socks::hear<2>(peer);
  co_return Target{host, static_cast<std::uint16_t>(port[0] << 8 | port[1])};
}

}  // namespace

struct Relay::State {
  explicit State(const Options& given)
      : options(given),
        most_connections(connections_within(given.most_connections)),
        acceptor(context) {}

  void listen() {
    check_address(options.listen);
    if (!options.listen.starts_with("tcp://"))
      throw std::invalid_argument("'" + options.listen +
                                  "' is no address for a relay; write tcp://HOST:PORT");
    const Target target = socks::target_of(options.listen);
    try {
      const bool any = target.first == "*";
      const tcp::endpoint end =
          any ? any_address(target.second)
              : *tcp::resolver(context)
                     .resolve(target.first, std::to_string(target.second), tcp::resolver::passive)
                     .begin();
      acceptor.open(end.protocol());
      acceptor.set_option(tcp::acceptor::reuse_address(true));
      if (end.protocol() == tcp::v6() && end.address().is_unspecified())
        acceptor.set_option(asio::ip::v6_only(false));
      acceptor.bind(end);
      acceptor.listen();
    } catch (const std::system_error& error) {
      throw BackendUnavailable("the relay cannot listen on " + options.listen + ": " +
                               error.code().message());
    }
    const tcp::endpoint bound = acceptor.local_endpoint();
    // As the other sockets call it that listen for all.
    address = bound.address().is_unspecified() ? "tcp://*:" + std::to_string(bound.port())
                                               : address_of(bound);
  }

  // Both kinds of addresses, where the machine has both.
  tcp::endpoint any_address(std::uint16_t port) {
    std::error_code no_v6;
    tcp::acceptor probe(context);
    probe.open(tcp::v6(), no_v6);
    return {no_v6 ? tcp::v4() : tcp::v6(), port};
  }

  asio::awaitable<void> accept_all() {
    while (true) {
      tcp::socket peer(context);
      std::error_code failed;
      co_await acceptor.async_accept(peer, asio::redirect_error(asio::use_awaitable, failed));
      if (failed) {  // no descriptor is left: perhaps one will be
        asio::steady_timer timer(context, pause_without_descriptors);
        co_await timer.async_wait(asio::use_awaitable);
      } else if (connections.load() >= most_connections) {
        refused.fetch_add(1);
      } else {
        connections.fetch_add(1);
        asio::co_spawn(context, serve(std::move(peer)),
                       [this](const std::exception_ptr&) { connections.fetch_sub(1); });
      }
    }
  }

  asio::awaitable<void> serve(tcp::socket peer) {
    tcp::socket node(context);
    asio::steady_timer limit(context, options.greeting_limit);
    using namespace asio::experimental::awaitable_operators;
    const auto first = co_await (introduce(peer, node) || limit.async_wait(asio::use_awaitable));
    if (first.index() != 0 || !std::get<0>(first)) {
      refused.fetch_add(1);
      co_return;
    }
    made.fetch_add(1);
    for (tcp::socket* end : {&peer, &node}) {
      end->set_option(tcp::no_delay(true));
      end->set_option(tcp::socket::keep_alive(true));
    }
    co_await socks::join(peer, node, bytes);
  }

  // Returns whether `node` is connected, and the peer knows.
  asio::awaitable<bool> introduce(tcp::socket& peer, tcp::socket& node) {
    try {
      co_return co_await greet(peer, node);
    } catch (const std::system_error&) {  // the peer is gone
      co_return false;
    }
  }

  asio::awaitable<bool> greet(tcp::socket& peer, tcp::socket& node) {
    const auto hello = co_await socks::hear<2>(peer);
    if (hello[0] != socks::version) co_return false;
    const std::string methods = co_await socks::hear_text(peer, hello[1]);
    if (methods.find(static_cast<char>(socks::no_authentication)) == std::string::npos) {
      co_await socks::say(peer, socks::version, socks::no_method);
      co_return false;
    }
    co_await socks::say(peer, socks::version, socks::no_authentication);
    const auto request = co_await socks::hear<4>(peer);
    if (request[0] != socks::version) co_return false;
    const std::uint8_t kind = request[3];
    if (kind != socks::by_ipv4 && kind != socks::by_ipv6 && kind != socks::by_name) {
      co_await answer(peer, socks::Answer::unknown_address);
      co_return false;
    }
    const Target target = co_await hear_target(peer, kind);
    const bool known = allowed.with([&](const auto& all) { return all.contains(target); });
    socks::Answer what = request[1] != socks::connect ? socks::Answer::unknown_command
                         : !known                     ? socks::Answer::not_allowed
                                                      : socks::Answer::done;
    if (what == socks::Answer::done && !co_await reach(target, node))
      what = socks::Answer::unreachable;
    co_await answer(peer, what);
    co_return what == socks::Answer::done;
  }

  // A name that cannot be looked up holds up other names, for as long as the system tries: all are
  // looked up by one thread. Addresses need none.
  asio::awaitable<bool> reach(const Target& target, tcp::socket& node) {
    std::error_code failed;
    const auto address = asio::ip::make_address(target.first, failed);
    if (!failed) {
      co_await node.async_connect({address, target.second},
                                  asio::redirect_error(asio::use_awaitable, failed));
      co_return !failed;
    }
    tcp::resolver resolver(context);
    const auto ends =
        co_await resolver.async_resolve(target.first, std::to_string(target.second),
                                        asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return false;
    co_await asio::async_connect(node, ends, asio::redirect_error(asio::use_awaitable, failed));
    co_return !failed;
  }

  const Options options;
  const std::size_t most_connections;
  asio::io_context context{1};
  tcp::acceptor acceptor;
  std::string address;
  detail::Guarded<std::set<Target>> allowed;
  std::atomic<std::uint64_t> connections{0}, made{0}, refused{0}, bytes{0};
  std::thread thread;
};

Relay::Relay(const Options& options) : state_(std::make_unique<State>(options)) {
  state_->listen();
  asio::co_spawn(state_->context, state_->accept_all(), asio::detached);
  state_->thread = detail::service_thread([state = state_.get()] { state->context.run(); });
}

Relay::~Relay() {
  state_->context.stop();
  state_->thread.join();
}

const std::string& Relay::address() const {
  return state_->address;
}

void Relay::allow(const std::vector<std::string>& addresses) {
  std::set<Target> targets;
  for (const std::string& address : addresses) {
    if (const auto target = readable_target(address)) targets.insert(*target);
  }
  state_->allowed.with([&](auto& all) { all = std::move(targets); });
}

Relay::Counters Relay::counters() const {
  return {state_->connections.load(), state_->made.load(), state_->refused.load(),
          state_->bytes.load()};
}

}  // namespace paracord::cluster
