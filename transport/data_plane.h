#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "paracord/core/cluster_messages.h"
#include "paracord/core/status.h"
#include "paracord/transport/keys.h"
#include "paracord/transport/neighbours.h"
#include "paracord/transport/object_name.h"

namespace paracord::cluster {

/// Moves objects between processes, chunk by chunk, on sockets of their own, so that a heartbeat
/// never waits behind a gigabyte.
///
/// Who wants an object asks for it (pulls), with a window of bytes on their way; each chunk is one
/// Cap'n Proto segment, sent from where it lies as one ZeroMQ frame, written at its place at the
/// other end, and checked there. Chunks come from several sources at once, and whoever fetches an
/// object serves the chunks that it has already. A fetch whose connection was cut goes on with what
/// is missing.
///
/// Clients do not listen: they dial nodes, and are asked for objects over that connection. So
/// fetch() may name peers that this end has dialled, or that have dialled it.
///
/// Threads: any. Callbacks come from the plane's own thread, and must not wait.
/// Owns:    its ZeroMQ context, sockets and thread.
class DataPlane {
 public:
  struct Options {
    PeerId self = 0;
    std::string listen;  ///< tcp://address:port (or :*), ipc://path; empty: does not listen
    KeyPair keys;        ///< empty: no encryption
    /// Of peers that dial here, by their public key; asked at each handshake. Unset: any.
    std::function<bool(std::string_view public_key)> admits;
    std::size_t window_bytes = std::size_t{16} << 20;  ///< on their way, for each fetch
    std::size_t largest_object = std::size_t{1} << 44;
    bool shares_memory = true;  ///< with processes on this machine; see find_file()
    Time longest_search = std::chrono::seconds(1);  ///< without an answer; see find_file()
    Time silence = std::chrono::seconds(5);         ///< of a source: its chunks are asked of others
    Time relay_after = std::chrono::seconds(2);     ///< of dialling without an answer
    Time unreachable_after = std::chrono::seconds(20);  ///< see on_unreachable()
  };
  explicit DataPlane(Options options);
  DataPlane(const DataPlane&) = delete;
  ~DataPlane();

  PeerId self() const;
  const std::string& public_key() const;
  /// Where it listens, with the port that the system has chosen.
  const std::string& address() const;

  void dial(const NodeAddress& node);
  /// Peers that cannot be connected to are dialled through it as well, in turn. tcp://host:port;
  /// empty: there is none.
  void use_relay(const std::string& address);
  /// Peers that have gone are forgotten so long after they fell silent: only then may one that
  /// cannot be connected to count as unreachable.
  void wait_for_losses(Time silence);
  /// It will not come back: closes the connection; what was asked of it is asked of others.
  void forget(PeerId peer);

  /// From now on peers may fetch it. The bytes stay as they are while it is offered, and `owner`
  /// keeps them. Chunks that are found changed when they are sent are not sent: see on_changed.
  /// `place`: where else it lies, for peers that share memory with this process.
  void offer(std::shared_ptr<const ObjectTable> object, const std::byte* data,
             std::shared_ptr<const void> owner, const FilePlace& place = {});
  /// The same object from another place. Returns when nothing is being sent from the former one.
  void offer_instead(std::shared_ptr<const ObjectTable> object, const std::byte* data,
                     std::shared_ptr<const void> owner, const FilePlace& place = {});
  /// Returns when nothing of it is being sent any more.
  void withdraw(const ObjectId& object);

  /// `status`: what became of it. `table`: of the object, to offer it on.
  using OnFetched = std::function<void(Status status, std::shared_ptr<const ObjectTable> table)>;
  /// Memory for an object.
  struct Destination {
    std::byte* data = nullptr;    ///< as many bytes as the object has
    std::shared_ptr<void> owner;  ///< keeps it
    /// Fills a part of it, once: an error number, 0 if it is done. Unset: the part is copied.
    std::function<int(std::size_t offset, std::span<const std::byte> part)> fill;
  };
  /// Sources that do not have it, or do not answer, are passed over; fails with StatusCode::lost
  /// when none is left, or after the last one was forgotten, and with StatusCode::unavailable where
  /// the destination cannot be filled. One fetch of an object at a time.
  void fetch(const ObjectId& object, Destination destination, std::vector<PeerId> sources,
             OnFetched on_fetched);
  void add_source(const ObjectId& object, PeerId source);

  /// Where a peer that has dialled here keeps an object that it offers, if it shares memory with
  /// this process and has it in a file. The bytes are the object's as long as it is offered.
  using OnFile = std::function<void(std::optional<NeighbourFile> file)>;
  void find_file(const ObjectId& object, PeerId peer, OnFile on_file);

  /// Ends it with StatusCode::cancelled, before it returns; nothing is written any more.
  void cancel_fetch(const ObjectId& object);

  /// Told of an offered object whose bytes have changed since it was named.
  void on_changed(std::function<void(const ObjectId&)> told);

  /// Told of a peer that was dialled so long ago and was never connected, and again after as long.
  void on_unreachable(std::function<void(PeerId peer, const std::string& why)> told);

  struct Counters {
    std::uint64_t sent_bytes, received_bytes, chunks_refused, peers_banned, fetches;
  };
  Counters counters() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace paracord::cluster
