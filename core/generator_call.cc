#include "paracord/core/generator_call.h"

#include "paracord/core/errors.h"
#include "paracord/core/outcome.h"

namespace paracord::detail {

GeneratorCall::GeneratorCall(std::shared_ptr<Session> session, TaskRange& tasks, bool ordered)
    : session_(std::move(session)),
      tasks_(tasks),
      ordered_(ordered),
      result_size_(tasks.layout().result_size),
      call_(*session_, tasks,
            {ordered ? Call::Order::as_given : Call::Order::as_done, false, true, nullptr}) {
  call_.dispatch();
}

GeneratorCall::~GeneratorCall() {
  if (has_current_) drop_current();
  // What was not read of the current block goes as well.
  for (; block_ != nullptr && position_ != block_->count; ++position_) {
    if (gaps_ == nullptr || !gaps_->missing(position_)) tasks_.destroy_result(*block_, position_);
  }
  if (!finished_) call_.close();
}

void* GeneratorCall::next() {
  if (has_current_) drop_current();
  while (!finished_) {
    if (block_ != nullptr) {
      if (void* result = take_from_block()) return result;
      if (finished_) break;
      leave_block();
    }
    if (!find_block()) finish();
  }
  return nullptr;
}

void GeneratorCall::drop_current() {
  tasks_.destroy_result(*block_, position_);
  has_current_ = false;
  ++position_;
  call_.results_read(1);
  // Few places were asked for: each that is free again counts. Else the end of the block is soon
  // enough.
  if (session_->options.max_pending_results) call_.dispatch();
}

void* GeneratorCall::take_from_block() {
  while (position_ != block_->count && gaps_ != nullptr && gaps_->missing(position_)) {
    // In order, a missing result is where the reading ends; in order of completion the others still
    // come.
    if (ordered_) {
      finish();
      return nullptr;
    }
    ++position_;
    call_.results_read(1);
  }
  if (position_ == block_->count) return nullptr;
  has_current_ = true;
  return static_cast<char*>(block_->results) + position_ * result_size_;
}

void GeneratorCall::leave_block() {
  read_ = std::exchange(block_, nullptr);
  call_.dispatch();
}

// Waits for the next finished block. False at the end of the call.
bool GeneratorCall::find_block() {
  const auto found = [this] {
    return block_ != nullptr ||
           (block_ = call_.take_finished(std::exchange(read_, nullptr))) != nullptr;
  };
  if (!found() && !wait_for(found)) return false;
  gaps_ = block_->gaps();
  position_ = 0;
  return true;
}

template <class Found>
bool GeneratorCall::wait_for(Found found) {
  const auto& timeout = session_->options.timeout;
  if (timeout) {
    call_.set_deadline(SteadyClock::now() + steady_duration(*timeout));
  }
  while (true) {
    if (call_.check_deadline()) return false;
    if (found()) break;
    if (call_.help()) continue;
    // The last block may have come between the two looks.
    if (call_.over()) return found();
    call_.wait([&] { return found() || call_.over(); }, call_.deadline());
  }
  call_.set_deadline(std::nullopt);
  return true;
}

// The end, for good or ill. Throws what the call failed with.
void GeneratorCall::finish() {
  if (finished_) return;
  finished_ = true;
  call_.close();
  if (const std::exception_ptr error = call_.error()) rethrow(error);
}

}  // namespace paracord::detail
