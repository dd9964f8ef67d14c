#pragma once

#include <string>

namespace CLI {
class App;
}

/// The subcommands of `paracord`: each adds itself to the command line, and says through
/// `exit_code` how it has ended.
namespace paracord::apps {

inline constexpr int all_right = 0;
inline constexpr int failed = 1;
inline constexpr int wrong_usage = 2;

void add_scheduler_command(CLI::App& app, int& exit_code);
void add_node_command(CLI::App& app, int& exit_code);
void add_local_command(CLI::App& app, int& exit_code);
void add_status_command(CLI::App& app, int& exit_code);
void add_keygen_command(CLI::App& app, int& exit_code);
void add_drain_command(CLI::App& app, int& exit_code);
void add_check_command(CLI::App& app, int& exit_code);

/// A line on stderr, with the time.
void log_line(const std::string& line);

}  // namespace paracord::apps
