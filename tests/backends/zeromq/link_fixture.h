#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "paracord/core/cluster_messages.h"

namespace paracord::cluster {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline Bytes bytes(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

/// The scheduler's end of one peer's link, played by the test.
template <class Ledger>
class Link {
 public:
  explicit Link(Ledger& ledger) : ledger_(ledger) {}

  /// All that the peer says, also what could wait for a moment.
  std::vector<Message> hear() {
    if constexpr (requires { ledger_.hurry(); }) ledger_.hurry();
    return hear_now();
  }
  std::vector<Message> hear_now() {
    std::vector<Message> messages;
    for (Packet& packet : ledger_.take_outgoing()) {
      if (packet.session != session) {
        session = packet.session;
        sent_ = 0;
      }
      last_sequence = packet.sequence;
      for (Message& message : packet.messages) messages.push_back(std::move(message));
    }
    return messages;
  }
  void say(std::vector<Message> messages) {
    ledger_.receive({session, ++sent_, std::move(messages)}, now);
  }
  /// As a packet that was lost.
  void lose() { ++sent_; }
  void welcome(std::uint64_t epoch = 1, std::uint64_t queue_bytes = 1 << 20) {
    say({Welcome{epoch, queue_bytes, Time(seconds(1)).count()}});
  }
  void begin(std::uint64_t epoch = 1, std::uint64_t queue_bytes = 1 << 20) {
    ledger_.connected(now);
    hear();
    welcome(epoch, queue_bytes);
  }
  void pass(Time time) {
    now += time;
    ledger_.tick(now);
  }

  Time now{};
  std::uint64_t session = 0, last_sequence = 0;

 private:
  Ledger& ledger_;
  std::uint64_t sent_ = 0;
};

template <class Known>
std::vector<Known> all(const std::vector<Message>& messages) {
  std::vector<Known> found;
  for (const Message& message : messages) {
    if (const auto* one = std::get_if<Known>(&message)) found.push_back(*one);
  }
  return found;
}

template <class Known, class Effects>
std::vector<Known> all_of(const Effects& effects) {
  std::vector<Known> found;
  for (const auto& effect : effects) {
    if (const auto* one = std::get_if<Known>(&effect)) found.push_back(*one);
  }
  return found;
}

}  // namespace paracord::cluster
