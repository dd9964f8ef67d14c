#pragma once

#include <string>
#include <utility>

namespace paracord {

/// What a caller can do about trouble; the facade turns each into the exception named beside it.
enum class StatusCode {
  ok,
  invalid_argument,  ///< std::invalid_argument: correct the call
  unavailable,       ///< BackendUnavailable: the backend cannot run here and now
  cancelled,         ///< CancelledError: somebody asked for it
  lost,              ///< WorkerLostError: the place where it ran is gone
  not_encodable,     ///< SerializationError: it cannot travel to where it should run
};

/// The outcome of an operation across a folder boundary, where nothing is thrown.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == StatusCode::ok; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  StatusCode code_ = StatusCode::ok;
  std::string message_;
};

}  // namespace paracord
