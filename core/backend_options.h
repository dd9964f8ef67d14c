#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "paracord/core/status.h"

namespace paracord {

/// The options of one backend, as the struct that this backend documents:
/// `.backend_options = ThreadsOptions{.idle_timeout = 1s}`. A misspelt option does not compile; the
/// options of another backend are refused by name.
class BackendOptions {
 public:
  template <class T>
  requires(!std::same_as<std::remove_cvref_t<T>, BackendOptions>)
      BackendOptions(T options)  // NOLINT: implicit, so that the struct can be written in place
      : type_(&typeid(T)), options_(std::make_shared<const T>(std::move(options))) {}

  /// For backends: the options as a T. A null pointer stands for "not given" and gives T's
  /// defaults; options of another type give a Status that names both.
  template <class T>
  static Status read(const BackendOptions* given, T& result) {
    if (given == nullptr) return Status();
    if (*given->type_ != typeid(T)) return wrong_type(*given->type_, &typeid(T));
    result = *static_cast<const T*>(given->options_.get());
    return Status();
  }

  /// For backends without options: refuses whatever was given.
  static Status refuse(const BackendOptions* given);

 private:
  static Status wrong_type(const std::type_info& given, const std::type_info* wanted);
  const std::type_info* type_;
  std::shared_ptr<const void> options_;  // shared: options are copied from scope to scope
};

}  // namespace paracord
