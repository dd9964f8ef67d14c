#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "paracord/backends/worker/channel.h"
#include "paracord/backends/worker/notices.h"
#include "paracord/core/entry.h"
#include "paracord/core/scope.h"
#include "paracord/memmap/sharing.h"

namespace paracord::detail {

/// What a worker process does: takes batches from its channel, runs them, writes the results.
///
/// Threads: run() is called by one; nothing else of it is.
class WorkerLoop final : public CallControl {
 public:
  WorkerLoop(Channel& channel, Doorbell& bell, int socket, const Hello& hello);

  /// Never returns: the process ends when its parent has gone.
  [[noreturn]] void run();

  NoticeReader& notices() { return notices_; }

 private:
  using Clock = std::chrono::steady_clock;
  using Record = RingReader<task_unit>::Record;

  bool stop_requested(const RunningTask&) const override;

  void wait_for_record(Record& record);
  void handle(const Record& record);
  void run_batch(ToWorker kind, Decoder& in);
  std::uint32_t run_large(const BatchHead& head, Decoder& in, RunningTask& running);
  std::uint32_t run_tasks(const BatchHead& head, Decoder& tasks, RunningTask& running,
                          const std::string& trouble);
  void run_task(const BatchHead& head, ResultHead about, Decoder& task);
  void answer(FromWorker kind, const ResultHead& about);
  std::string encoded_error(Phase phase);
  void prepare(ToWorker kind, Decoder& in);
  void adopt(Decoder& in);
  void initialise(Decoder& in);
  void release(Decoder& in);
  Entry& entry_of(std::uint64_t reference);

  void write(FromWorker kind, const ResultHead& head) { write(kind, head, result_, room_); }
  void write(FromWorker kind, const ResultHead& head, const Encoder& body, SharedRoom& room);
  void add_places();
  void write_with_drafts(const ResultHead& head);
  template <class Head>
  void put(FromWorker kind, const Head& head, const void* body, std::size_t bytes);
  void ring();

  Channel& channel_;
  Doorbell& bell_;
  RingReader<task_unit> in_;
  RingWriter<result_unit> out_;
  SharingReceiver receiver_;
  NoticeReader notices_;
  NoticeWriter announcer_;
  ArenaStore arenas_;
  SharingSender sender_;
  SharedRoom room_{largest_inline_message};
  Encoder result_;
  Drafts drafts_;
  const bool relays_;
  const std::uint64_t forks_;
  std::vector<std::uint64_t> places_;  // of references in the result, for a relay
  std::multimap<std::pair<std::uint32_t, std::uint64_t>, std::shared_ptr<const void>> lent_;
  std::unordered_set<std::uint64_t> initialised_;
  std::string nested_backend_;
  Entry* last_entry_ = nullptr;
  std::uint64_t last_reference_ = 0;
  std::chrono::nanoseconds last_ring_{};  // on the coarse clock
  std::string trouble_;  // an encoded error: what came before the batches went wrong
};

}  // namespace paracord::detail
