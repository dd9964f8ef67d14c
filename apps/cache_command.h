#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

namespace CLI {
class App;
}

namespace paracord::apps {

/// Adds `cache ls|du|prune|clear PATH` to a command. What they have to say goes to `out`.
/// Errors: parsing throws CLI::ParseError; a PATH that is no cache is CLI::ValidationError.
void add_cache_command(CLI::App& app, std::ostream& out);

/// "10", "1.5K", "10G": bytes, in powers of 1024. Throws std::invalid_argument.
std::uint64_t parse_bytes(const std::string& text);
/// "90s", "30m", "12h", "7d": seconds. Throws std::invalid_argument.
double parse_age_seconds(const std::string& text);
/// "1.5 MiB".
std::string show_bytes(std::uint64_t bytes);

}  // namespace paracord::apps
