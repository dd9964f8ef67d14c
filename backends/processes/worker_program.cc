#include "paracord/backends/processes/worker_program.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "paracord/core/errors.h"

namespace paracord::detail {

namespace {

std::filesystem::path folder_of_this_library() {
  Dl_info about{};
  if (dladdr(reinterpret_cast<void*>(&worker_program), &about) == 0) return {};
  std::error_code none;
  return std::filesystem::canonical(about.dli_fname, none).parent_path();
}

}  // namespace

std::string worker_program() {
  if (const char* named = std::getenv("PARACORD_WORKER")) {
    if (access(named, X_OK) == 0) return named;
    throw BackendUnavailable("PARACORD_WORKER names " + std::string(named) +
                             ", which cannot be executed; name the installed paracord-worker");
  }
  const std::filesystem::path here = folder_of_this_library();
  // Installed in lib or lib/<architecture>; or in the build tree.
  for (const char* place : {"../bin", "../../bin", "../../apps"}) {
    const std::filesystem::path program = here / place / "paracord-worker";
    if (access(program.c_str(), X_OK) == 0) return program;
  }
  throw BackendUnavailable(
      "this program does not call paracord::initialize(argc, argv), so that it cannot be its own "
      "worker, and paracord-worker is not installed beside " +
      here.string() +
      "; install it, name it in PARACORD_WORKER, or make that call the first line "
      "of main");
}

}  // namespace paracord::detail
