#include "paracord/core/roles.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <map>

#include "paracord/core/guarded.h"

namespace paracord::detail {

namespace {

Guarded<std::map<std::string_view, RoleMain>>& roles() {
  // Never destroyed: libraries add theirs while they load.
  static auto& all = *new Guarded<std::map<std::string_view, RoleMain>>();
  return all;
}

}  // namespace

bool add_role(std::string_view name, RoleMain main) {
  roles().with([&](auto& all) { all[name] = main; });
  return true;
}

RoleMain find_role(std::string_view name) {
  return roles().with([&](auto& all) -> RoleMain {
    const auto found = all.find(name);
    return found == all.end() ? nullptr : found->second;
  });
}

bool send_whole(int socket, const void* data, std::size_t bytes) {
  ssize_t sent = 0;
  do {
    sent = send(socket, data, bytes, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(bytes);
}

bool receive_whole(int socket, void* data, std::size_t bytes) {
  ssize_t received = 0;
  do {
    received = recv(socket, data, bytes, 0);
  } while (received < 0 && errno == EINTR);
  return received == static_cast<ssize_t>(bytes);
}

bool read_order(int socket, RoleOrder& order) {
  return receive_whole(socket, &order, sizeof order) && order.magic == RoleOrder::right;
}

bool report_ready(int socket) {
  const RoleReady ready;
  return send_whole(socket, &ready, sizeof ready);
}

void wait_for_end(int socket) {
  while (true) {
    pollfd wanted{socket, POLLIN, 0};
    if (poll(&wanted, 1, -1) < 0 && errno == EINTR) continue;
    char byte = 0;
    const ssize_t received = recv(socket, &byte, sizeof byte, MSG_DONTWAIT);
    if (received == 0 || (received < 0 && errno != EAGAIN && errno != EINTR)) return;
  }
}

}  // namespace paracord::detail
