#pragma once

#include <exception>
#include <optional>
#include <string>
#include <typeinfo>
#include <vector>

#include "paracord/core/errors.h"
#include "paracord/core/register_exception.h"

namespace paracord::detail {

/// A type's name as a person writes it.
std::string readable_type(const std::type_info& type);

/// This machine's name; "unknown" where it has none. In a worker of a node: the node's.
const std::string& host_name();
/// Before anything asks for it.
void set_host_name(const std::string& name);
/// Where a node tells its workers its name.
inline constexpr const char* node_name_variable = "PARACORD_NODE_NAME";

/// The standard or registered type that an exception's type is, or stands for.
std::optional<ExceptionTraits> find_known(const std::type_info& type);
/// By the name that all processes of one program give the type.
std::optional<ExceptionTraits> find_known(const std::string& mangled);

/// What an exception says of itself.
struct Thrown {
  const std::exception* exception = nullptr;  ///< null: it is something else
  std::optional<ExceptionTraits> known;
  std::string mangled_type, type;    ///< the type that it stands for
  std::string words;                 ///< its what()
  std::exception_ptr nested;         ///< by who threw it
  std::optional<TaskError> of_task;  ///< of a task that it has passed through already
  bool is_task_error = false;        ///< it is nothing but that
};

/// Inside a handler: of the current exception. Valid as long as that is.
Thrown examine_current_exception();
/// "type: what()" of `first` and of what is nested in it.
std::vector<std::string> chain_of(const std::exception_ptr& first);

/// Writes into `failure` why the task failed, and where.
void describe(const Thrown& thrown, TaskFailure& failure);

/// Inside a handler of a task's exception: completes `failure` (host, pid, cause) and returns the
/// exception to hand on: of the same type with a TaskError nested where the type is known, else the
/// original.
std::exception_ptr describe_current_exception(TaskFailure& failure);

/// The same exception with the task's failure, where its type is known.
std::exception_ptr add_task_error(const std::exception_ptr& error, TaskFailure& failure);

/// A TaskError that has something nested, where there is something.
std::exception_ptr make_task_error(const TaskFailure& failure, const std::exception_ptr& nested);

}  // namespace paracord::detail
