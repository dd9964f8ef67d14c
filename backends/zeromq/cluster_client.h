#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "paracord/backends/zeromq/client_ledger.h"
#include "paracord/backends/zeromq/offers.h"
#include "paracord/core/observer.h"
#include "paracord/memmap/buffer.h"
#include "paracord/transport/control_link.h"
#include "paracord/transport/data_plane.h"

namespace paracord::cluster {

/// What becomes of the batches of one call; told by the client's thread.
class CallEvents {
 public:
  virtual void call_ready(bool run_inline) = 0;
  virtual void arrived(client::Arrived results) = 0;
  virtual void over(const client::Over& over) = 0;
  /// An object of the call has changed while it was in use.
  virtual void object_changed(const ObjectId& object) = 0;
  /// Its tasks have printed this. False: it is to be printed here.
  virtual bool printed(const Observer::WorkerOutput& output) = 0;
  /// The scheduler wants nothing to do with this client.
  virtual void refused(const std::string& why) = 0;

 protected:
  ~CallEvents() = default;
};

/// This program's connection to one cluster, which all its calls share.
///
/// Threads: any. Events come one at a time.
class ClusterClient {
 public:
  struct Options {
    ControlLink::Options link;
    PeerId root = 0;  ///< where this program is a task's: on whose behalf it runs; 0: its own
    std::uint32_t weight = 1;
    bool shares_memory = true;  ///< with nodes on this machine
  };
  explicit ClusterClient(Options options);
  ClusterClient(const ClusterClient&) = delete;
  ~ClusterClient();

  /// Waits until the cluster has slots. Errors: unavailable, with what is missing.
  Status wait_for_slots(std::chrono::steady_clock::time_point deadline);
  std::uint32_t slots() const;

  CallId open_call(OpenCall call, CallEvents& events);
  /// After this, no event comes for it any more.
  void close_call(CallId call);
  /// A number for the next batch of this call.
  BatchId new_batch(CallId call);
  void submit(Submit batch);
  void cancel_call(CallId call);
  void waiting(CallId call, bool begins);
  void to_come(CallId call, std::uint64_t tasks);
  void keep_result(BatchId batch, std::uint32_t task);
  void drop_result(BatchId batch, std::uint32_t task);

  /// Runs `job` here and now, while no event is told; also out of one.
  void exclusively(const std::function<void()>& job);
  /// Runs `job` on the client's thread, unless the call is closed by then.
  void post(CallId call, std::function<void()> job);
  /// Fetches an object of a result from its node into new memory, the caller's alone. Told by the
  /// data plane's thread.
  using OnFetched = std::function<void(Status, std::shared_ptr<detail::Buffer>)>;
  void fetch(const ObjectId& object, PeerId node, OnFetched on_fetched);
  /// Returns when the scheduler has read all that was said before, or does not answer: so a program
  /// that ends now leaves nothing behind.
  void flush();
  /// Tells all calls that are open, as a line of the cluster's own on stderr; `is_broken`: and that
  /// nothing will run any more.
  void report(const std::string& what, bool is_broken);
  Offers& offers();
  PeerId id() const;
  std::string node_name(PeerId node) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace paracord::cluster
