#include "paracord/backends/worker/channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace paracord::detail {

namespace {

constexpr int most_descriptors = 4;

union ControlRoom {
  char bytes[CMSG_SPACE(sizeof(int) * most_descriptors)];
  cmsghdr alignment;
};

}  // namespace

bool send_with_descriptors(int socket, const void* data, std::size_t bytes, const int* descriptors,
                           int count) {
  iovec part{const_cast<void*>(data), bytes};
  ControlRoom control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (count > 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * static_cast<std::size_t>(count));
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int) * static_cast<std::size_t>(count));
    std::memcpy(CMSG_DATA(head), descriptors, sizeof(int) * static_cast<std::size_t>(count));
  }
  ssize_t sent = 0;
  do {
    sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    if (sent >= 0 || (errno != EAGAIN && errno != EINTR)) break;
    pollfd room{socket, POLLOUT, 0};
    poll(&room, 1, -1);
  } while (true);
  return sent >= 0;
}

long receive_with_descriptors(int socket, void* data, std::size_t bytes, int* descriptors,
                              int count) {
  std::fill_n(descriptors, count, -1);
  iovec part{data, bytes};
  ControlRoom control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  ssize_t received = 0;
  do {
    received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (received < 0 && errno == EINTR);
  if (received < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? -1 : 0;
  for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr;
       head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t came = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::memcpy(descriptors, CMSG_DATA(head),
                sizeof(int) * std::min(came, static_cast<std::size_t>(count)));
  }
  return received;
}

}  // namespace paracord::detail
