#pragma once

#include <exception>

#include "paracord/core/status.h"
#include "paracord/core/task_range.h"

namespace paracord::detail {

enum class ResultOrder { as_given, as_done };

/// How the results of a call are collected.
struct CallKind {
  ResultOrder order = ResultOrder::as_given;
  bool keep_errors = false;      ///< a failing task does not end the call
  bool bounded_results = false;  ///< a reader takes them: max_pending_results holds
  Collector* collector = nullptr;
};

/// What the facade throws for a status that is not ok.
std::exception_ptr exception_of(const Status& status);

}  // namespace paracord::detail
