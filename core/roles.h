#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

/// What else a program can be, besides itself and a worker: parts of an embedded cluster. A backend
/// starts the program's own executable in a role, and initialize() turns it into that.
namespace paracord::detail {

/// A role's life. `socket`: to the process that has started it, with a RoleOrder to be read; its
/// end is the end of that process. Returns the exit code.
using RoleMain = int (*)(int socket);

/// The name must stay. Returns true, so that a constant can be initialised with it.
bool add_role(std::string_view name, RoleMain main);
/// Null: this program does not have it.
RoleMain find_role(std::string_view name);

/// What a process is told when it starts in a role.
struct RoleOrder {
  static constexpr std::uint64_t right = 0x1152d5c0de7a9e31;
  std::uint64_t magic = right;
  std::uint64_t cluster = 0;  ///< a number that no other embedded cluster has
  std::uint32_t slots = 0;
  char address[108]{};       ///< the scheduler's
  char data_address[108]{};  ///< a node's own
};
/// Sent back by a role that is ready.
struct RoleReady {
  std::uint64_t magic = RoleOrder::right;
};

/// One message of exactly this size, whatever signals come meanwhile.
bool send_whole(int socket, const void* data, std::size_t bytes);
bool receive_whole(int socket, void* data, std::size_t bytes);
/// Reads the order; false: there is none.
bool read_order(int socket, RoleOrder& order);
bool report_ready(int socket);
/// Returns at the end of the process that has started this one.
void wait_for_end(int socket);

}  // namespace paracord::detail
