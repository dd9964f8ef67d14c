#include "paracord/core/describe_error.h"

#include <cxxabi.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <utility>

namespace paracord::detail {

namespace {

constexpr std::size_t deepest_chain = 32;

struct NestedTaskError final : TaskError, std::nested_exception {
  NestedTaskError(const TaskFailure& failure, std::nested_exception nested)
      : TaskError(failure), std::nested_exception(std::move(nested)) {}
};

std::string& own_host_name() {
  static auto& name = *new std::string([] {
    char buffer[256] = "unknown";
    gethostname(buffer, sizeof buffer - 1);
    return std::string(buffer);
  }());
  return name;
}

// What an exception says of itself; some say a null pointer.
std::string words_of(const std::exception& thrown) {
  const char* words = thrown.what();
  return words != nullptr ? words : "(its what() returned a null pointer)";
}

// What was thrown for a T by std::throw_with_nested is a T, to a reader.
std::string without_nesting(std::string type) {
  for (const std::string_view prefix : {"std::_Nested_exception<", "std::__nested<"}) {
    if (type.starts_with(prefix) && type.ends_with('>'))
      return type.substr(prefix.size(), type.size() - prefix.size() - 1);
  }
  return type;
}

// What is nested in it by who threw it; the TaskError that we nested is no news.
std::exception_ptr nested_in(const std::nested_exception* holder, const DetailsCarrier* carrier) {
  if (carrier != nullptr) return carrier->details().nested;
  return holder == nullptr ? nullptr : holder->nested_ptr();
}

Thrown examine(const std::exception& thrown) {
  Thrown about;
  about.exception = &thrown;
  about.words = words_of(thrown);
  about.known = find_known(typeid(thrown));
  const std::type_info& type = about.known ? *about.known->types[0] : typeid(thrown);
  about.mangled_type = type.name();
  about.type = without_nesting(readable_type(type));
  about.nested = nested_in(dynamic_cast<const std::nested_exception*>(&thrown),
                           dynamic_cast<const DetailsCarrier*>(&thrown));
  about.of_task = task_error(thrown);
  about.is_task_error =
      typeid(thrown) == typeid(TaskError) || typeid(thrown) == typeid(NestedTaskError);
  return about;
}

// Not of the standard library's kind: what it says is known of the simplest only.
Thrown examine_other() {
  Thrown about;
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (type != nullptr) about.mangled_type = type->name();
  about.type = type != nullptr ? without_nesting(readable_type(*type))
                               : std::string("an exception of unknown type");
  try {
    throw;
  } catch (const char* text) {
    if (text != nullptr) about.words = text;
  } catch (const std::string& text) {
    about.words = text;
  } catch (int number) {
    about.words = std::to_string(number);
  } catch (long number) {
    about.words = std::to_string(number);
  } catch (unsigned number) {
    about.words = std::to_string(number);
  } catch (unsigned long number) {
    about.words = std::to_string(number);
  } catch (const std::nested_exception& holder) {
    about.nested = holder.nested_ptr();
  } catch (...) {
  }
  return about;
}

// Copies of the exception may throw (a string of its own), then the original goes on unchanged.
std::exception_ptr with_details(const Thrown& thrown, const TaskFailure& failure) noexcept {
  try {
    if (thrown.is_task_error) return make_task_error(failure, thrown.nested);
    if (!thrown.known) return nullptr;
    return thrown.known->add_details(thrown.known->cast(*thrown.exception),
                                     {std::make_shared<const TaskError>(failure), thrown.nested});
  } catch (...) {
    return nullptr;
  }
}

}  // namespace

std::string readable_type(const std::type_info& type) {
  int failed = 0;
  char* readable = abi::__cxa_demangle(type.name(), nullptr, nullptr, &failed);
  const std::string name = failed == 0 ? readable : type.name();
  std::free(readable);
  return name;
}

const std::string& host_name() {
  return own_host_name();
}

void set_host_name(const std::string& name) {
  own_host_name() = name;
}

Thrown examine_current_exception() {
  try {
    throw;
  } catch (const std::exception& thrown) {
    return examine(thrown);
  } catch (...) {
    return examine_other();
  }
}

std::vector<std::string> chain_of(const std::exception_ptr& first) {
  std::vector<std::string> chain;
  for (std::exception_ptr next = first; next != nullptr && chain.size() != deepest_chain;) {
    try {
      std::rethrow_exception(std::exchange(next, nullptr));
    } catch (...) {
      Thrown thrown = examine_current_exception();
      chain.push_back(thrown.words.empty() ? thrown.type : thrown.type + ": " + thrown.words);
      next = std::move(thrown.nested);
    }
  }
  return chain;
}

void describe(const Thrown& thrown, TaskFailure& failure) {
  failure.cause_type = thrown.type;
  failure.cause = thrown.words;
  failure.nested = chain_of(thrown.nested);
  if (!thrown.of_task) return;
  TaskFailure inner = thrown.of_task->failure();
  if (thrown.is_task_error) {
    failure.cause_type = inner.cause_type;
    failure.cause = inner.cause;
    failure.nested = inner.nested;
  }
  failure.within = std::exchange(inner.within, {});
  failure.within.insert(failure.within.begin(), std::move(inner));
}

std::exception_ptr describe_current_exception(TaskFailure& failure) {
  failure.host = host_name();
  failure.pid = static_cast<int>(getpid());
  const Thrown thrown = examine_current_exception();
  describe(thrown, failure);
  const std::exception_ptr detailed = with_details(thrown, failure);
  return detailed ? detailed : std::current_exception();
}

std::exception_ptr add_task_error(const std::exception_ptr& error, TaskFailure& failure) {
  try {
    std::rethrow_exception(error);
  } catch (...) {
    const Thrown thrown = examine_current_exception();
    describe(thrown, failure);
    const std::exception_ptr detailed = with_details(thrown, failure);
    return detailed ? detailed : error;
  }
}

std::exception_ptr make_task_error(const TaskFailure& failure, const std::exception_ptr& nested) {
  if (nested == nullptr) return std::make_exception_ptr(TaskError(failure));
  return std::make_exception_ptr(NestedTaskError(failure, nesting({nullptr, nested})));
}

}  // namespace paracord::detail
