#pragma once

#include <exception>
#include <string>

#include "paracord/core/encoder.h"
#include "paracord/core/entry.h"
#include "paracord/core/errors.h"

/// Exceptions on their way from the process that ran a task to its caller.
namespace paracord::detail {

/// Inside a handler: writes the current exception.
void encode_current_exception(Encoder& out, Phase phase);

/// Reads one, makes an exception of the same type where it is a standard or registered one, else a
/// TaskError, and adds what is known of the task. `failure` comes with all but the cause.
std::exception_ptr decode_remote_error(Decoder& in, TaskFailure& failure);

/// The same exception with the task's failure nested, where its type is known.
std::exception_ptr add_task_error(const std::exception_ptr& error, TaskFailure& failure);

}  // namespace paracord::detail
