#include "paracord/core/errors.h"

#include <any>
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

template <>
void encode_exception<std::filesystem::filesystem_error>(const void* thrown, Encoder& out) {
  const auto& error = *static_cast<const std::filesystem::filesystem_error*>(thrown);
  encode(out, error.path1().native());
  encode(out, error.path2().native());
  out.put(error.code().value());
  out.put(number_of(error.code().category()));
}
template <>
std::filesystem::filesystem_error decode_exception<std::filesystem::filesystem_error>(
    Decoder& in, const std::string& words) {
  const auto first = decode<std::string>(in);
  const auto second = decode<std::string>(in);
  const int value = in.get<int>();
  const std::error_code code(value, category_of(in.get<std::uint8_t>()));
  return std::filesystem::filesystem_error(words, first, second, code);
}

template <>
void encode_exception<WorkerLostError>(const void* thrown, Encoder& out) {
  const WorkerLoss& loss = static_cast<const WorkerLostError*>(thrown)->loss();
  out.put(loss.signal);
  out.put(loss.exit_code);
  out.put(loss.out_of_memory);
  encode(out, loss.backtrace);
  encode(out, loss.last_output);
}
template <>
WorkerLostError decode_exception<WorkerLostError>(Decoder& in, const std::string& words) {
  WorkerLoss loss;
  loss.signal = in.get<int>();
  loss.exit_code = in.get<int>();
  loss.out_of_memory = in.get<bool>();
  loss.backtrace = decode<std::string>(in);
  loss.last_output = decode<std::string>(in);
  return WorkerLostError(words, std::move(loss));
}

namespace {
const std::error_category* const* categories() {
  static const std::error_category* const all[] = {
      &std::generic_category(), &std::system_category(), &std::iostream_category(),
      &std::future_category()};
  return all;
}
constexpr std::uint8_t category_count = 4;
}  // namespace

std::uint8_t number_of(const std::error_category& category) {
  for (std::uint8_t i = 0; i != category_count; ++i) {
    if (*categories()[i] == category) return i;
  }
  return 0;
}

const std::error_category& category_of(std::uint8_t number) {
  return *categories()[number < category_count ? number : 0];
}

}  // namespace detail

namespace {

std::string place_of(const TaskFailure& failure) {
  std::string text = "task " + std::to_string(failure.index) + ", " + failure.function + "(" +
                     failure.arguments + "), failed";
  // No worker ran it: it failed before, or its call did.
  if (failure.host.empty() && failure.pid == 0) return text;
  if (!failure.host.empty()) text += " on " + failure.host;
  return text + " (pid " + std::to_string(failure.pid) + ", attempt " +
         std::to_string(failure.attempt) + ")";
}

std::string message_of(const TaskFailure& failure) {
  std::string text = place_of(failure) + ": " + failure.cause_type;
  if (!failure.cause.empty()) text += ": " + failure.cause;
  if (!failure.during.empty()) text += " (" + failure.during + ")";
  for (const std::string& nested : failure.nested) text += "\n  nested: " + nested;
  for (const TaskFailure& inner : failure.within) text += "\n  in its call: " + place_of(inner);
  return text;
}

using KnownExceptions = std::unordered_map<std::type_index, detail::ExceptionTraits>;

void add(KnownExceptions& table, const detail::ExceptionTraits& traits) {
  for (const std::type_info* type : traits.types) {
    if (type != nullptr) table.insert_or_assign(*type, traits);
  }
}

template <class... E>
KnownExceptions known() {
  KnownExceptions table;
  (add(table, detail::exception_traits<E>()), ...);
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

}  // namespace

TaskError::TaskError(TaskFailure failure)
    : std::runtime_error(message_of(failure)), failure_(std::move(failure)) {}

std::optional<TaskError> task_error(const std::exception& thrown) {
  if (const auto* direct = dynamic_cast<const TaskError*>(&thrown)) return *direct;
  const auto* carrier = dynamic_cast<const detail::DetailsCarrier*>(&thrown);
  if (carrier != nullptr && carrier->details().task_error != nullptr)
    return *carrier->details().task_error;
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

std::nested_exception nesting(const ExceptionDetails& details) {
  try {
    if (details.nested != nullptr) std::rethrow_exception(details.nested);
    throw *details.task_error;
  } catch (...) {
    return std::nested_exception();
  }
}

void register_exception(const ExceptionTraits& traits) {
  known_exceptions().with([&](KnownExceptions& table) { add(table, traits); });
}

std::optional<ExceptionTraits> find_known(const std::type_info& type) {
  return known_exceptions().with([&](KnownExceptions& table) -> std::optional<ExceptionTraits> {
    const auto found = table.find(type);
    if (found == table.end()) return std::nullopt;
    return found->second;
  });
}

std::optional<ExceptionTraits> find_known(const std::string& mangled) {
  return known_exceptions().with([&](KnownExceptions& table) -> std::optional<ExceptionTraits> {
    for (const auto& [type, traits] : table) {
      if (type.name() == mangled) return traits;
    }
    return std::nullopt;
  });
}

}  // namespace detail
}  // namespace paracord
