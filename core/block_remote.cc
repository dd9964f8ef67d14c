// Block: tasks that a backend runs in other processes.

#include "paracord/core/block.h"
#include "paracord/core/call.h"
#include "paracord/core/scope.h"

namespace paracord::detail {

namespace {

// Tasks are written, and their results read, by the threads that send and collect.
constexpr const char* codec_or_destructor = "a codec, or the destructor of an argument or a result";

}  // namespace

RemoteTasks* Block::elsewhere() noexcept {
  const Claim claim = claim_rest();
  if (claim.empty()) return nullptr;
  remote_over_.assign(count, false);
  return this;
}

bool Block::timed() const {
  return call_.wants_task_times();
}

bool Block::stopped() const {
  return call_.stopped();
}

// That of the task which makes the call: tasks of its own do their part of it.
std::array<std::uint64_t, 2> Block::assignment() const {
  return current_assignment();
}

std::string Block::function(std::size_t index) const {
  return call_.function_of(*this, index);
}

bool Block::encode(std::size_t index, Encoder& out) noexcept {
  const UserCallback callback(codec_or_destructor);
  const std::size_t start = out.size();
  try {
    call_.encode_task(*this, index, out);
    return true;
  } catch (...) {
    out.truncate(start);
    remote_over_[index] = true;
    call_.task_failed_in(Phase::encoding_arguments, *this, index);
    return false;
  }
}

void Block::succeeded(std::size_t index, Decoder& result, const RemoteRun& run) noexcept {
  const UserCallback callback(codec_or_destructor);
  remote_over_[index] = true;
  call_.remote_succeeded(*this, index, result, run);
}

RemoteTasks::Verdict Block::threw(std::size_t index, Decoder& error,
                                  const RemoteRun& run) noexcept {
  const UserCallback callback(codec_or_destructor);
  if (call_.retry(run)) return Verdict::again;
  remote_over_[index] = true;
  call_.remote_threw(*this, index, error, run);
  return Verdict::over;
}

RemoteTasks::Verdict Block::failed(std::size_t index, std::exception_ptr error,
                                   const RemoteRun& run) noexcept {
  const UserCallback callback(codec_or_destructor);
  if (call_.retry(run)) return Verdict::again;
  remote_over_[index] = true;
  call_.remote_failed(*this, index, std::move(error), run);
  return Verdict::over;
}

void Block::measured(std::size_t count, std::chrono::nanoseconds ran) noexcept {
  call_.remote_measured(*this, count, ran);
}

void Block::finish_elsewhere(const Status& status) {
  for (std::size_t index = 0; index != count; ++index) {
    if (!remote_over_[index]) call_.remote_dropped(*this, index, status);
  }
  remote_over_.clear();
  call_.remote_finished(*this);
}

}  // namespace paracord::detail
