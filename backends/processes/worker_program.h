#pragma once

#include <string>

namespace paracord::detail {

/// The program that runs functions of shared objects where the host program cannot be its own
/// worker: PARACORD_WORKER, or paracord-worker beside the installed libraries. Throws
/// BackendUnavailable where there is none.
std::string worker_program();

}  // namespace paracord::detail
