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
#include "paracord/core/remote_error.h"

namespace paracord {

namespace detail {

// std::future_error tells its code as an error_code, but is made from its own.
template <>
void encode_exception<std::future_error>(const void* thrown, Encoder& out) {
  out.put(static_cast<const std::future_error*>(thrown)->code().value());
}
template <>
std::future_error decode_exception<std::future_error>(Decoder& in, const std::string&) {
  return std::future_error(static_cast<std::future_errc>(in.get<int>()));
}
template <>
inline constexpr bool can_travel_as_exception<std::future_error> = true;

}  // namespace detail

namespace {

std::string message_of(const TaskFailure& failure) {
  std::string text = "task " + std::to_string(failure.index) + ", " + failure.function + "(" +
                     failure.arguments + "), failed on " + failure.host + " (pid " +
                     std::to_string(failure.pid) + ", attempt " + std::to_string(failure.attempt) +
                     "): " + failure.cause_type;
  if (!failure.cause.empty()) text += ": " + failure.cause;
  if (!failure.during.empty()) text += " (" + failure.during + ")";
  return text;
}

using KnownExceptions = std::unordered_map<std::type_index, detail::ExceptionTraits>;

template <class... E>
KnownExceptions known() {
  KnownExceptions table;
  (table.emplace(typeid(E), detail::exception_traits<E>()), ...);
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

std::optional<detail::ExceptionTraits> find_known(const std::type_info& type) {
  return known_exceptions().with(
      [&](KnownExceptions& table) -> std::optional<detail::ExceptionTraits> {
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
      return known->add_detail(known->cast(thrown), std::nested_exception());
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

void register_exception(const std::type_info& type, const ExceptionTraits& traits) {
  known_exceptions().with([&](KnownExceptions& table) { table.insert_or_assign(type, traits); });
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

std::exception_ptr add_task_error(const std::exception_ptr& error, TaskFailure& failure) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& thrown) {
    failure.cause_type = readable_type(typeid(thrown));
    failure.cause = thrown.what();
    const std::exception_ptr detailed = with_task_error(thrown, failure);
    return detailed ? detailed : error;
  } catch (...) {
    return error;
  }
}

void encode_current_exception(Encoder& out, Phase phase) {
  out.put(phase);
  const std::type_info* type = abi::__cxa_current_exception_type();
  encode(out, std::string(type != nullptr ? type->name() : ""));
  encode(out, type != nullptr ? readable_type(*type) : std::string("an exception of unknown type"));
  try {
    throw;
  } catch (const std::exception& thrown) {
    encode(out, std::string(thrown.what()));
    const auto known = find_known(typeid(thrown));
    const bool travels = known && known->encode != nullptr;
    out.put(travels);
    if (travels) known->encode(known->cast(thrown), out);
  } catch (...) {
    encode(out, std::string());
    out.put(false);
  }
}

namespace {

const char* text_of(Phase phase) {
  switch (phase) {
    case Phase::encoding_arguments:
      return "while its arguments were encoded";
    case Phase::decoding_arguments:
      return "while its arguments were decoded";
    case Phase::encoding_result:
      return "while its result was encoded";
    case Phase::running:
      return "";
  }
  return "";
}

// By the name that all processes of one program give the type.
std::optional<ExceptionTraits> find_known(const std::string& mangled) {
  return known_exceptions().with([&](KnownExceptions& table) -> std::optional<ExceptionTraits> {
    for (const auto& [type, traits] : table) {
      if (type.name() == mangled) return traits;
    }
    return std::nullopt;
  });
}

}  // namespace

std::exception_ptr decode_remote_error(Decoder& in, TaskFailure& failure) {
  failure.during = text_of(in.get<Phase>());
  const auto mangled = decode<std::string>(in);
  failure.cause_type = decode<std::string>(in);
  failure.cause = decode<std::string>(in);
  const bool travels = in.get<bool>();
  const auto known = find_known(mangled);
  try {
    throw TaskError(failure);
  } catch (const TaskError&) {
    if (!travels || !known || known->remake == nullptr) return std::current_exception();
    return known->remake(in, failure.cause, std::nested_exception());
  }
}

}  // namespace detail
}  // namespace paracord
