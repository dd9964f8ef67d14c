#pragma once

#include <exception>
#include <string>
#include <typeinfo>

#include "paracord/core/errors.h"

namespace paracord::detail {

/// A type's name as a person writes it.
std::string readable_type(const std::type_info& type);

/// This machine's name; "unknown" where it has none.
const std::string& host_name();

/// Inside a handler of a task's exception: completes `failure` (host, pid, cause) and returns the
/// exception to hand on: of the same type with a TaskError nested where the type is known, else the
/// original.
std::exception_ptr describe_current_exception(TaskFailure& failure);

}  // namespace paracord::detail
