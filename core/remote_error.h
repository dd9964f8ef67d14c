#pragma once

#include <exception>

#include "paracord/core/encoder.h"
#include "paracord/core/entry.h"
#include "paracord/core/errors.h"

/// Exceptions on their way from the process that ran a task to its caller.
namespace paracord::detail {

/// Inside a handler: writes the current exception. Whatever it is, and whatever its own codec
/// throws: at the least that there was one.
void encode_current_exception(Encoder& out, Phase phase) noexcept;

/// Reads one, makes an exception of the same type where it is a standard or registered one, else a
/// TaskError, and adds what is known of the task. `failure` comes with all but the cause.
std::exception_ptr decode_remote_error(Decoder& in, TaskFailure& failure);

}  // namespace paracord::detail
