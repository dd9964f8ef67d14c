#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "paracord/transport/keys.h"

/// What the daemons have in common on their command lines.
namespace paracord::apps {

inline constexpr int default_port = 7710;

/// --config: options from a file (INI or TOML).
void add_config(CLI::App& command);

/// --ends-with PID: the daemon ends when that process, its parent, does.
void add_lifeline(CLI::App& command);

/// The folder for sockets of daemons without keys: $XDG_RUNTIME_DIR/paracord, else one in /tmp.
/// Only its owner may enter it. Throws std::runtime_error where it is somebody else's.
std::string private_folder();

/// The address of the scheduler of this user on this machine, without keys.
std::string private_scheduler_address();

}  // namespace paracord::apps
