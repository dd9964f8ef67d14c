#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "paracord/core/options.h"
#include "paracord/memmap/byte_stream.h"

namespace paracord {

/// What is noted with a result: stands as JSON at the beginning of its entry.
struct EntryInfo {
  std::string function;   ///< as the compiler prints it, or CacheOptions::name
  std::string arguments;  ///< printed, shortened
  std::string version;    ///< CacheOptions::version, or what stands for the program
  Seconds duration{};     ///< of the call that made the result
  std::chrono::system_clock::time_point created{};
  std::uint64_t bytes = 0;  ///< of the result in the entry
  std::string code{};       ///< the function that made it, as the program names it
};

namespace detail {

/// What stands before the result; always as long as its `room`, a multiple of 64.
std::string entry_start(const EntryInfo& info, const std::string& compressor, std::size_t room);
inline constexpr std::size_t most_compressor_name = 15;
/// The room for an entry's start, with numbers of any length.
std::size_t entry_start_room(const EntryInfo& info);

/// Reads an entry's start, up to where the result begins; nothing where it is damaged. Without
/// `info`, the JSON is passed over.
struct EntryStart {
  std::uint64_t bytes;  ///< of the start
  EntryInfo info;
  std::string compressor;  ///< of the result; empty: none
};
std::optional<EntryStart> read_entry_start(ByteSource& in, bool wants_info);

}  // namespace detail
}  // namespace paracord
