#include "paracord/tests/transport/cut_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <vector>

namespace paracord::cluster::test {

namespace {

sockaddr_in local(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

}  // namespace

CutProxy::CutProxy(const std::string& to) : target_port_(std::stoi(to.substr(to.rfind(':') + 1))) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = local(0);
  socklen_t length = sizeof address;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      listen(listener_, 8) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0)
    throw std::runtime_error("the proxy cannot listen");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

CutProxy::~CutProxy() {
  stopped_.store(true);
  shutdown(listener_, SHUT_RDWR);
  thread_.join();
  close(listener_);
}

std::string CutProxy::address() const {
  return "tcp://127.0.0.1:" + std::to_string(port_);
}

void CutProxy::serve() {
  while (!stopped_.load()) {
    const int in = accept(listener_, nullptr, nullptr);
    if (in < 0) continue;
    if (lets_in_ && !lets_in_()) {
      close(in);
      continue;
    }
    connections_.fetch_add(1);
    const int out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = local(target_port_);
    if (connect(out, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
      pass(in, out);
    close(in);
    close(out);
  }
}

// Until one end closes, or the cut.
void CutProxy::pass(int one, int other) {
  std::vector<char> buffer(1 << 16);
  pollfd ends[] = {{one, POLLIN, 0}, {other, POLLIN, 0}};
  while (!stopped_.load()) {
    (void)poll(ends, 2, 100);
    for (int i = 0; i != 2; ++i) {
      if (ends[i].revents == 0) continue;
      const ssize_t bytes = read(ends[i].fd, buffer.data(), buffer.size());
      if (bytes <= 0) return;
      for (ssize_t sent = 0; sent < bytes;) {
        const ssize_t part = send(ends[1 - i].fd, buffer.data() + sent,
                                  static_cast<std::size_t>(bytes - sent), MSG_NOSIGNAL);
        if (part <= 0) return;
        sent += part;
      }
      if (const long left = left_.load(); left >= 0) {
        left_.store(left > bytes ? left - bytes : -1);
        if (left <= bytes) return;
      }
    }
  }
}

}  // namespace paracord::cluster::test
