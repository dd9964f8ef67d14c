#pragma once

#include <vector>

#include "paracord/core/cluster_messages.h"

namespace paracord::cluster {

/// A peer's side of its link to the scheduler: sessions, numbers, gaps, heartbeats and patience.
///
/// What is said while a hello is due is dropped: the hello, and what its owner says behind it,
/// hold all that there is to say.
///
/// Threads: one.
class PeerLink {
 public:
  explicit PeerLink(PeerId self) : self_(self) {}

  /// The link is there, for the first time or anew.
  void connected(Time now);
  /// Messages that its owner has to act on, in order; those of sessions are handled here, but for
  /// Welcome and Refuse, which come through as well.
  std::vector<Message> receive(Packet packet, Time now);
  void tick(Time now);
  Time next_deadline() const;

  /// A session begins: say_hello(), then all that the hello has no place for.
  bool hello_is_due() const { return hello_due_; }
  void say_hello(Message hello);
  void say(Message message);
  /// Nobody waits for it: it goes with the next that is said, or by itself a moment later. Packets
  /// cost their ends far more than messages do.
  void say_soon(Message message);
  /// What was said goes at once.
  void hurry() { is_urgent_ = true; }
  /// Ends the link, with what was said before.
  void goodbye();
  /// At most one packet, of bounded size, when it is time; next_deadline() says whether there are
  /// more.
  std::vector<Packet> take_outgoing();

  bool is_welcome() const { return state_ == State::welcome; }
  /// The highest epoch of a scheduler that has welcomed this peer; 0: none.
  std::uint64_t known_epoch() const { return known_epoch_; }

 private:
  enum class State { unconnected, waiting, welcome, ended };

  void open_session(Time now);
  bool belongs(const Packet& packet, Time now);
  bool accept_welcome(const Welcome& welcome);
  Time patience() const;

  const PeerId self_;
  State state_ = State::unconnected;
  std::uint64_t session_ = 0, sent_ = 0, received_ = 0;
  std::uint64_t known_epoch_ = 0;
  bool hello_due_ = false;
  bool is_urgent_ = false;  ///< what is in the outbox; else it is due at soon_
  std::uint32_t retries_ = 0;
  Time now_{}, opened_at_{}, last_sent_{}, soon_{}, heartbeat_ = std::chrono::seconds(1);
  std::vector<Message> outbox_;
};

}  // namespace paracord::cluster
