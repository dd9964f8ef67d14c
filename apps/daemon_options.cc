#include "paracord/apps/daemon_options.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace paracord::apps {

void add_config(CLI::App& command) {
  command.set_config("--config", "", "Read options from this file (INI or TOML)");
  command.option_defaults()->always_capture_default();
}

void add_lifeline(CLI::App& command) {
  command
      .add_option_function<int>(
          "--ends-with",
          [](int parent) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            if (getppid() != parent) std::_Exit(0);
          },
          "End with this process, the parent")
      ->group("");
}

std::string private_folder() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  const std::string folder = runtime != nullptr && *runtime == '/'
                                 ? std::string(runtime) + "/paracord"
                                 : "/tmp/paracord-" + std::to_string(getuid());
  (void)mkdir(folder.c_str(), 0700);
  struct stat about {};
  if (lstat(folder.c_str(), &about) != 0 || !S_ISDIR(about.st_mode))
    throw std::runtime_error("the folder " + folder + " for sockets cannot be made");
  if (about.st_uid != getuid() || (about.st_mode & 077) != 0) {
    throw std::runtime_error(
        "the folder " + folder +
        " for sockets can be entered by others; remove it, or chmod it to 700");
  }
  return folder;
}

std::string private_scheduler_address() {
  return "ipc://" + private_folder() + "/scheduler";
}

}  // namespace paracord::apps
