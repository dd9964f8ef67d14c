#include "paracord/transport/zap.h"

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "paracord/core/service_thread.h"

namespace paracord::cluster {

namespace {

constexpr const char* handler_address = "inproc://zeromq.zap.01";
constexpr std::size_t usual_parts = 6;  // of a request, before the credentials
constexpr std::size_t key_bytes = 32;

std::string printed_key(const zmq::message_t& key) {
  std::array<char, 41> text{};
  if (key.size() != key_bytes) return {};
  zmq_z85_encode(text.data(), key.data<const unsigned char>(), key.size());
  return text.data();
}

std::vector<zmq::message_t> receive_all(zmq::socket_t& socket) {
  std::vector<zmq::message_t> parts;
  do {
    parts.emplace_back();
    if (!socket.recv(parts.back(), zmq::recv_flags::dontwait)) return {};
  } while (parts.back().more());
  return parts;
}

void send_all(zmq::socket_t& socket, const std::vector<std::string>& parts) {
  for (std::size_t i = 0; i != parts.size(); ++i) {
    socket.send(zmq::buffer(parts[i]),
                i + 1 == parts.size() ? zmq::send_flags::none : zmq::send_flags::sndmore);
  }
}

}  // namespace

struct ZapHandler::State {
  State(zmq::context_t& context, Decide given)
      : decide(std::move(given)),
        requests(context, zmq::socket_type::rep),
        ends(context, zmq::socket_type::pair),
        end(context, zmq::socket_type::pair) {
    const std::string inside = "inproc://zap-end-" + std::to_string(counter.fetch_add(1));
    requests.set(zmq::sockopt::linger, 0);
    requests.bind(handler_address);
    ends.bind(inside);
    end.connect(inside);
  }

  void serve() {
    while (true) {
      zmq::pollitem_t items[] = {{requests.handle(), 0, ZMQ_POLLIN, 0},
                                 {ends.handle(), 0, ZMQ_POLLIN, 0}};
      try {
        zmq::poll(items, 2, std::chrono::milliseconds(-1));
      } catch (const zmq::error_t& error) {
        if (error.num() == EINTR) continue;
        return;
      }
      if (items[1].revents != 0) return;
      if (items[0].revents != 0) answer();
    }
  }

  // Version, sequence, domain, address, identity, mechanism, credentials.
  void answer() {
    const std::vector<zmq::message_t> request = receive_all(requests);
    if (request.empty()) return;
    const auto text = [&](std::size_t i) {
      return i < request.size() ? request[i].to_string() : std::string();
    };
    std::string key;
    if (text(5) == "CURVE" && request.size() == usual_parts + 1) key = printed_key(request[6]);
    const bool whole =
        request.size() >= usual_parts && text(0) == "1.0" && (text(5) == "NULL" || !key.empty());
    const std::optional<std::string> name = whole ? decide(text(2), key) : std::nullopt;
    send_all(requests, {"1.0", text(1), name ? "200" : "400", name ? "OK" : "not authorised",
                        name.value_or(""), ""});
  }

  static inline std::atomic<int> counter{0};
  const Decide decide;
  zmq::socket_t requests, ends, end;
  std::thread thread;
};

ZapHandler::ZapHandler(zmq::context_t& context, Decide decide)
    : state_(std::make_unique<State>(context, std::move(decide))) {
  state_->thread = detail::service_thread([state = state_.get()] { state->serve(); });
}

ZapHandler::~ZapHandler() {
  state_->end.send(zmq::message_t(), zmq::send_flags::none);
  state_->thread.join();
}

}  // namespace paracord::cluster
