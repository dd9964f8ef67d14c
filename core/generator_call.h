#pragma once

#include <memory>

#include "paracord/core/call.h"

namespace paracord::detail {

/// A call whose results are read one by one.
///
/// Threads: one reader.
class GeneratorCall {
 public:
  GeneratorCall(std::shared_ptr<Session> session, TaskRange& tasks, bool ordered);
  GeneratorCall(const GeneratorCall&) = delete;
  ~GeneratorCall();

  /// See GeneratorHandle::next().
  void* next();

 private:
  void drop_current();
  bool locate();
  bool locate_or_ask();
  void leave_block();
  bool wait_for_result();
  bool look_for_result();
  void* take();
  void finish();

  const std::shared_ptr<Session> session_;
  TaskRange& tasks_;
  const bool ordered_;
  const std::size_t result_size_;
  Call call_;
  Block* block_ = nullptr;    // being read
  std::size_t position_ = 0;  // of the current result, or of the next where there is none
  bool has_current_ = false;
  bool left_block_ = false;  // since the last dispatch()
  bool finished_ = false;
};

}  // namespace paracord::detail
