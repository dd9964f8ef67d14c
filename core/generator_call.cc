#include "paracord/core/generator_call.h"

#include "paracord/core/asymmetric_fence.h"
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
  call_.read_ahead();
  call_.dispatch();
}

GeneratorCall::~GeneratorCall() {
  if (has_current_ && !session_->is_an_ancestors()) drop_current();
  if (!finished_) call_.close();
}

void* GeneratorCall::next() {
  refuse_calls_in_callbacks();
  call_.refuse_in_child();
  if (has_current_) drop_current();
  while (!finished_) {
    const bool found = locate();
    // What was read has made room for others.
    if (std::exchange(left_block_, false) || !found) call_.dispatch();
    if (found) return take();
    if (!wait_for_result()) finish();
  }
  return nullptr;
}

void GeneratorCall::drop_current() {
  tasks_.destroy_result(*block_, position_);
  // In order their number is enough: the states are written by those who run tasks.
  if (!ordered_) block_->set_result_state(position_, Block::Result::taken);
  ++block_->taken;
  has_current_ = false;
  ++position_;
  call_.results_read(1);
  // Few places were asked for: each that is free again counts. Else the end of the block is soon
  // enough.
  if (session_->options.max_pending_results) call_.dispatch();
}

void* GeneratorCall::take() {
  // In order, a missing result is where the reading ends.
  if (block_->result_state(position_) == Block::Result::missing) {
    finish();
    return nullptr;
  }
  has_current_ = true;
  return static_cast<char*>(block_->results) + position_ * result_size_;
}

// Goes to the next result that can be read. False where none is there yet.
bool GeneratorCall::locate() {
  while (true) {
    if (block_ == nullptr) {
      block_ = call_.next_readable();
      if (block_ == nullptr) return false;
      position_ = 0;
    }
    for (; position_ != block_->count; ++position_) {
      const Block::Result state = block_->result_state(position_);
      if (state == Block::Result::made) return true;
      // In order of completion the others still come.
      if (ordered_) return state == Block::Result::missing;
    }
    leave_block();
  }
}

// Whoever has the next result of the block says so, where it is not there yet. Where no fence can
// be made, this looks again and again.
bool GeneratorCall::locate_or_ask() {
  while (!locate()) {
    if (block_ == nullptr || !block_->waits_for_reader.exchange(false)) return false;
    if (block_->states != nullptr && !fence_all_threads()) return true;
  }
  return true;
}

// In order of completion it is linked again when there is more in it.
void GeneratorCall::leave_block() {
  if (block_->taken == block_->count) call_.read_to_end(*block_);
  block_ = nullptr;
  left_block_ = true;
}

// Waits for the next result. False at the end of the call.
bool GeneratorCall::wait_for_result() {
  const auto& timeout = session_->options.timeout;
  if (timeout) {
    call_.set_deadline(SteadyClock::now() + steady_duration(*timeout));
  }
  call_.arrive();
  const bool found = look_for_result();
  call_.depart();
  return found;
}

bool GeneratorCall::look_for_result() {
  while (true) {
    if (call_.check_deadline()) return false;
    if (locate()) break;
    if (call_.use_returned_slots() || call_.help()) continue;
    // The last result may have come between the two looks.
    if (call_.over()) return locate();
    if (call_.nap([&] { return locate() || call_.over(); })) continue;
    call_.wait([&] { return locate_or_ask() || call_.over(); }, call_.deadline());
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
