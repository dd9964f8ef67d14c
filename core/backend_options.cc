#include "paracord/core/backend_options.h"

#include "paracord/core/describe_error.h"

namespace paracord {

Status BackendOptions::refuse(const BackendOptions* given) {
  return given == nullptr ? Status() : wrong_type(*given->type_, nullptr);
}

Status BackendOptions::wrong_type(const std::type_info& given, const std::type_info* wanted) {
  std::string text =
      "backend_options: the backend does not know options of type " + detail::readable_type(given);
  text += wanted != nullptr ? "; give it " + detail::readable_type(*wanted)
                            : "; it takes none, leave them out";
  return Status(StatusCode::invalid_argument, std::move(text));
}

}  // namespace paracord
