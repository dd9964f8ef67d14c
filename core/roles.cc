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

bool read_order(int socket, RoleOrder& order) {
  return recv(socket, &order, sizeof order, 0) == static_cast<ssize_t>(sizeof order) &&
         order.magic == RoleOrder::right;
}

bool report_ready(int socket) {
  const RoleReady ready;
  return send(socket, &ready, sizeof ready, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof ready);
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
