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
  void leave_block();
  bool find_block();
  template <class Found>
  bool wait_for(Found found);
  void* take_from_block();
  void finish();

  const std::shared_ptr<Session> session_;
  TaskRange& tasks_;
  const bool ordered_;
  const std::size_t result_size_;
  Call call_;
  Block* block_ = nullptr;  // being read
  Block* read_ = nullptr;   // to the end, to be given back
  const BlockGaps* gaps_ = nullptr;
  std::size_t position_ = 0;  // of the current result, or of the next where there is none
  bool has_current_ = false;
  bool finished_ = false;
};

}  // namespace paracord::detail
