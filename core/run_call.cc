// Calls that return when all is done: lists and outcomes.

#include "paracord/core/call.h"
#include "paracord/core/parallel.h"

namespace paracord::detail {

namespace {

// Results of finished blocks go to the collector, in order. What it throws (no memory) ends the
// call.
void collect(Call& call, Collector& collector) {
  for (Block* block = nullptr; (block = call.take_finished(block)) != nullptr;) {
    try {
      collector.collect(*block, block->gaps());
    } catch (...) {
      call.fail(std::current_exception());
    }
  }
}

}  // namespace

void run_call(Session& session, TaskRange& tasks, Collector& collector, bool keep_errors) {
  Call call(session, tasks, {Call::Order::as_given, keep_errors, false, &collector});
  call.read_ahead();
  call.arrive();
  Block* first = call.join();
  call.dispatch();
  if (first != nullptr) call.run_block(*first);
  while (true) {
    collect(call, collector);
    if (call.use_returned_slots() || call.help()) continue;
    if (call.over()) break;
    if (!call.wait([&] { return call.over(); }, call.deadline())) call.check_deadline();
  }
  call.depart();
  call.close();
  collect(call, collector);
  if (const std::exception_ptr error = call.error()) rethrow(error);
}

}  // namespace paracord::detail
