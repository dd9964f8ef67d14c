#pragma once

namespace paracord {

/// The backend of this program's tests, which other programs make with other backends.
const char* backend_under_test();
/// Whether it has nodes.
bool tests_nodes();

}  // namespace paracord
