#include "paracord/tests/backends/backend_under_test.h"

#include <string_view>

namespace paracord {

const char* backend_under_test() {
  return PARACORD_BACKEND_UNDER_TEST;
}

bool tests_nodes() {
  return std::string_view(backend_under_test()) == "zeromq";
}

}  // namespace paracord
