#include "paracord/transport/detours.h"

#include <asio/co_spawn.hpp>
#include <asio/connect.hpp>
#include <asio/detached.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <cstdlib>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "paracord/core/guarded.h"
#include "paracord/core/service_thread.h"
#include "paracord/transport/random.h"
#include "paracord/transport/socks.h"

namespace paracord::cluster {

namespace {

using local = asio::local::stream_protocol;
using socks::Target, socks::tcp;

// The relay itself waits for the node no longer than half of that.
constexpr auto longest_greeting = std::chrono::seconds(10);

// Returns whether the relay has connected `out` to the target.
asio::awaitable<bool> ask(tcp::socket& out, const Target& target) {
  if (target.first.size() > socks::longest_name) co_return false;
  co_await socks::say(out, socks::version, 1, socks::no_authentication);
  const auto method = co_await socks::hear<2>(out);
  if (method[0] != socks::version || method[1] != socks::no_authentication) co_return false;
  std::string request{static_cast<char>(socks::version), static_cast<char>(socks::connect), '\0',
                      static_cast<char>(socks::by_name), static_cast<char>(target.first.size())};
  request += target.first;
  request += static_cast<char>(target.second >> 8);
  request += static_cast<char>(target.second & 0xff);
  co_await asio::async_write(out, asio::buffer(request), asio::use_awaitable);
  // The address behind it, from which the relay has dialled, is one of four bytes.
  const auto answer = co_await socks::hear<10>(out);
  co_return answer[0] == socks::version&& answer[1] ==
          static_cast<std::uint8_t>(socks::Answer::done) &&
      answer[3] == socks::by_ipv4;
}

asio::awaitable<bool> reach(tcp::socket& out, const Target& relay, const Target& target) {
  try {
    tcp::resolver resolver(out.get_executor());
    const auto ends = co_await resolver.async_resolve(relay.first, std::to_string(relay.second),
                                                      asio::use_awaitable);
    co_await asio::async_connect(out, ends, asio::use_awaitable);
    out.set_option(tcp::no_delay(true));
    co_return co_await ask(out, target);
  } catch (const std::system_error&) {
    co_return false;
  }
}

}  // namespace

struct Detours::State {
  State()
      : work(context.get_executor()), thread(detail::service_thread([this] { context.run(); })) {}
  ~State() { end(); }

  void end() {
    if (ended.exchange(true)) return;
    context.stop();
    thread.join();
  }

  asio::awaitable<void> serve(std::shared_ptr<local::acceptor> listener, Target relay,
                              Target target) {
    while (true) {
      local::socket in(context);
      std::error_code failed;
      co_await listener->async_accept(in, asio::redirect_error(asio::use_awaitable, failed));
      if (failed) co_return;  // closed; or no descriptor is left, and it is opened anew
      asio::co_spawn(context, lead(std::move(in), relay, target), asio::detached);
    }
  }

  asio::awaitable<void> lead(local::socket in, Target relay, Target target) {
    using namespace asio::experimental::awaitable_operators;
    tcp::socket out(context);
    asio::steady_timer limit(context, longest_greeting);
    const auto first =
        co_await (reach(out, relay, target) || limit.async_wait(asio::use_awaitable));
    if (first.index() == 0 && std::get<0>(first)) co_await socks::join(in, out, bytes);
  }

  asio::io_context context{1};
  const asio::executor_work_guard<asio::io_context::executor_type> work;
  std::map<std::string, std::shared_ptr<local::acceptor>> listeners;  // the thread's
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<bool> ended{false};
  std::thread thread;
};

namespace {

// Clients live as long as the program, and the library's static objects do not: the threads that
// use those end before.
class EndedAtExit {
 public:
  static void add(const std::shared_ptr<Detours::State>& state) {
    static auto& all = *new EndedAtExit;
    all.states_.with([&](auto& states) {
      std::erase_if(states, [](const auto& one) { return one.expired(); });
      states.push_back(state);
    });
    // What is made before this is called ends after it.
    (void)asio::error::get_misc_category();
    (void)asio::error::get_netdb_category();
    (void)asio::error::get_addrinfo_category();
    static const int registered = std::atexit([] { all.end(); });
    (void)registered;
  }

 private:
  void end() {
    for (const auto& one : states_.with([](auto& states) { return std::exchange(states, {}); })) {
      if (const auto state = one.lock()) state->end();
    }
  }
  detail::Guarded<std::vector<std::weak_ptr<Detours::State>>> states_;
};

}  // namespace

Detours::Detours() = default;

Detours::~Detours() = default;

std::string Detours::open(const std::string& relay, const std::string& target) {
  if (state_ == nullptr) {
    state_ = std::make_shared<State>();
    EndedAtExit::add(state_);
  }
  State& state = *state_;
  if (state.ended.load()) throw std::system_error(asio::error::operation_aborted);
  // A name without a file, which ends with the socket.
  const std::string name =
      "paracord-detour-" + std::to_string(random_number()) + std::to_string(random_number());
  const std::string address = "ipc://@" + name;
  const auto listener =
      std::make_shared<local::acceptor>(state.context, local::endpoint('\0' + name));
  asio::post(state.context, [&state, listener, address, from = socks::target_of(relay),
                             to = socks::target_of(target)] {
    state.listeners[address] = listener;
    asio::co_spawn(state.context, state.serve(listener, from, to), asio::detached);
  });
  return address;
}

void Detours::close(const std::string& address) {
  if (state_ == nullptr) return;
  asio::post(state_->context, [state = state_.get(), address] {
    const auto listener = state->listeners.extract(address);
    if (!listener.empty()) listener.mapped()->close();
  });
}

}  // namespace paracord::cluster
