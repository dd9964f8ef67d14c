#include "paracord/core/errors.h"

#include <cxxabi.h>
#include <unistd.h>

#include <any>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <ios>
#include <new>
#include <regex>
#include <system_error>
#include <typeindex>
#include <typeinfo>
#include <unordered_map>
#include <variant>

#include "paracord/core/describe_error.h"
#include "paracord/core/guarded.h"
#include "paracord/core/outcome.h"
#include "paracord/core/register_exception.h"

namespace paracord {

namespace {

std::string message_of(const TaskFailure& failure) {
  std::string text = "task " + std::to_string(failure.index) + ", " + failure.function + "(" +
                     failure.arguments + "), failed on " + failure.host + " (pid " +
                     std::to_string(failure.pid) + ", attempt " + std::to_string(failure.attempt) +
                     "): " + failure.cause_type;
  if (!failure.cause.empty()) text += ": " + failure.cause;
  return text;
}

struct KnownException {
  detail::AsException cast;
  detail::AddDetail add;
};
using KnownExceptions = std::unordered_map<std::type_index, KnownException>;

template <class... E>
KnownExceptions known() {
  KnownExceptions table;
  (table.emplace(typeid(E), KnownException{[](const std::exception& thrown) -> const void* {
                                             return static_cast<const E*>(&thrown);
                                           },
                                           &detail::add_detail<E>}),
   ...);
  return table;
}

detail::Guarded<KnownExceptions>& known_exceptions() {
  // Never destroyed: a task may fail while the program ends.
  static auto& table = *new detail::Guarded<KnownExceptions>(
      known<std::exception, std::logic_error, std::domain_error, std::invalid_argument,
            std::length_error, std::out_of_range, std::runtime_error, std::range_error,
            std::overflow_error, std::underflow_error, std::bad_alloc, std::bad_array_new_length,
            std::bad_cast, std::bad_typeid, std::bad_any_cast, std::bad_function_call,
            std::bad_optional_access, std::bad_variant_access, std::bad_weak_ptr, std::system_error,
            std::ios_base::failure, std::filesystem::filesystem_error, std::future_error,
            std::regex_error, TimeoutError, CancelledError, SerializationError, BackendUnavailable,
            WorkerLostError>());
  return table;
}

std::optional<KnownException> find_known(const std::type_info& type) {
  return known_exceptions().with([&](KnownExceptions& table) -> std::optional<KnownException> {
    const auto found = table.find(type);
    if (found == table.end()) return std::nullopt;
    return found->second;
  });
}

// Copies of the exception may throw (a string of its own), then the original goes on unchanged.
std::exception_ptr with_task_error(const std::exception& thrown,
                                   const TaskFailure& failure) noexcept {
  const auto known = find_known(typeid(thrown));
  if (!known) return nullptr;
  try {
    throw TaskError(failure);
  } catch (const TaskError&) {
    try {
      return known->add(known->cast(thrown), std::nested_exception());
    } catch (...) {
      return nullptr;
    }
  }
}

}  // namespace

TaskError::TaskError(TaskFailure failure)
    : std::runtime_error(message_of(failure)), failure_(std::move(failure)) {}

std::optional<TaskError> task_error(const std::exception& thrown) {
  if (const auto* direct = dynamic_cast<const TaskError*>(&thrown)) return *direct;
  const auto* nested = dynamic_cast<const std::nested_exception*>(&thrown);
  if (nested == nullptr || nested->nested_ptr() == nullptr) return std::nullopt;
  try {
    nested->rethrow_nested();
  } catch (const std::exception& inner) {
    return task_error(inner);
  } catch (...) {
    return std::nullopt;
  }
}

namespace detail {

void rethrow(const std::exception_ptr& error) {
  std::rethrow_exception(error);
}

void register_exception(const std::type_info& type, AsException cast, AddDetail add) {
  known_exceptions().with([&](KnownExceptions& table) {
    table.insert_or_assign(type, KnownException{cast, add});
  });
}

std::string readable_type(const std::type_info& type) {
  int failed = 0;
  char* readable = abi::__cxa_demangle(type.name(), nullptr, nullptr, &failed);
  const std::string name = failed == 0 ? readable : type.name();
  std::free(readable);
  return name;
}

const std::string& host_name() {
  static const std::string name = [] {
    char buffer[256] = "unknown";
    gethostname(buffer, sizeof buffer - 1);
    return std::string(buffer);
  }();
  return name;
}

std::exception_ptr describe_current_exception(TaskFailure& failure) {
  failure.host = host_name();
  failure.pid = static_cast<int>(getpid());
  const std::exception_ptr original = std::current_exception();
  try {
    throw;
  } catch (const std::exception& thrown) {
    failure.cause_type = readable_type(typeid(thrown));
    failure.cause = thrown.what();
    const std::exception_ptr detailed = with_task_error(thrown, failure);
    return detailed ? detailed : original;
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    failure.cause_type = type != nullptr ? readable_type(*type) : "an exception of unknown type";
    return original;
  }
}

}  // namespace detail
}  // namespace paracord
