#include "paracord/transport/control_link.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <zmq.hpp>

#include "paracord/transport/clock.h"
#include "paracord/transport/packet_codec.h"
#include "paracord/transport/sockets.h"

namespace paracord::cluster {

namespace {

constexpr int most_packets_at_once = 64;  // handled in one go
constexpr auto pause_after_refusal = std::chrono::seconds(2);

int milliseconds(Time time) {
  if (time.count() < 0) return -1;
  return static_cast<int>((time.count() + 999'999) / 1'000'000);
}

}  // namespace

struct ControlLink::State {
  explicit State(const Options& given)
      : options(given), wake_fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    open();
  }
  ~State() {
    end_monitor(*socket);
    close(wake_fd);
  }

  // A socket whose handshake has failed does not try again: it is made anew.
  void open() {
    if (socket) end_monitor(*socket);
    monitor.reset();
    socket.emplace(context, zmq::socket_type::dealer);
    set_common_options(*socket, largest_packet);
    secure_client(*socket, options.keys, options.server_key);
    const std::string watch = "inproc://control-monitor-" + std::to_string(++monitors);
    zmq_socket_monitor(socket->handle(), watch.c_str(),
                       ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED |
                           ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                           ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
    monitor.emplace(context, zmq::socket_type::pair);
    monitor->set(zmq::sockopt::linger, 0);
    monitor->connect(watch);
    socket->connect(options.address);
  }

  void read_monitor(Came& came) {
    zmq::message_t event, address;
    while (monitor->recv(event, zmq::recv_flags::dontwait)) {
      (void)monitor->recv(address, zmq::recv_flags::dontwait);
      std::uint16_t kind = 0;
      if (event.size() >= sizeof kind) std::memcpy(&kind, event.data(), sizeof kind);
      if (kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
        came.connected = true;
        came.disconnected = false;
      } else if (kind == ZMQ_EVENT_DISCONNECTED) {
        came.disconnected = true;
        came.connected = false;
      } else {
        came.refused =
            options.server_key.empty()
                ? "the scheduler at " + options.address + " asks for keys, and none were given"
                : "the scheduler at " + options.address +
                      " has refused this key, or has another key than the one expected";
      }
    }
    if (!came.refused.empty()) reopen_at = now() + pause_after_refusal;
  }

  void read_packets(Came& came) {
    zmq::message_t message;
    for (int i = 0; i != most_packets_at_once; ++i) {
      if (!socket->recv(message, zmq::recv_flags::dontwait)) return;
      Packet packet;
      const std::span bytes(message.data<std::byte>(), message.size());
      // The scheduler is trusted as far as its key is; what cannot be read is a gap.
      if (!message.more() && decode_packet(bytes, packet).ok())
        came.packets.push_back(std::move(packet));
    }
  }

  const Options options;
  const int wake_fd;
  zmq::context_t context;
  std::optional<zmq::socket_t> socket, monitor;
  std::uint64_t monitors = 0;
  std::optional<Time> reopen_at;
};

ControlLink::ControlLink(const Options& options) {
  check_address(options.address);
  state_ = std::make_unique<State>(options);
}

ControlLink::~ControlLink() = default;

ControlLink::Came ControlLink::wait(Time longest) {
  State& state = *state_;
  Came came;
  if (state.reopen_at && now() >= *state.reopen_at) {
    state.reopen_at.reset();
    state.open();
  }
  if (state.reopen_at) {
    const Time left = *state.reopen_at - now();
    if (longest.count() < 0 || left < longest) longest = std::max(left, Time(0));
  }
  std::array<zmq::pollitem_t, 3> items{{{state.socket->handle(), 0, ZMQ_POLLIN, 0},
                                        {state.monitor->handle(), 0, ZMQ_POLLIN, 0},
                                        {nullptr, state.wake_fd, ZMQ_POLLIN, 0}}};
  try {
    zmq::poll(items.data(), items.size(), std::chrono::milliseconds(milliseconds(longest)));
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) throw;
    return came;
  }
  if (items[2].revents != 0) {
    std::uint64_t wakes = 0;
    (void)!read(state.wake_fd, &wakes, sizeof wakes);
  }
  if (items[1].revents != 0) state.read_monitor(came);
  if (items[0].revents != 0) state.read_packets(came);
  return came;
}

void ControlLink::wake() {
  const std::uint64_t one = 1;
  (void)!write(state_->wake_fd, &one, sizeof one);
}

bool ControlLink::send(const Packet& packet) {
  const std::string bytes = encode_packet(packet);
  return state_->socket->send(zmq::buffer(bytes), zmq::send_flags::dontwait).has_value();
}

}  // namespace paracord::cluster
