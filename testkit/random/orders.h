#pragma once

#include <cstdint>
#include <string>

namespace paracord::testkit::random {

/// What a task does beside its work.
enum class Deed : std::uint8_t {
  none,
  throws_standard,    ///< std::out_of_range
  throws_registered,  ///< an exception type of this kit that is registered
  throws_other,       ///< one that is not
  throws_number,      ///< an int
  throws_nested,      ///< std::throw_with_nested
  throws_at_first,    ///< std::runtime_error in the first attempt only
  dies,               ///< its process ends by SIGKILL in each attempt
  dies_at_first,      ///< in the first attempt
  exits,              ///< its process ends by _exit(3)
  prints,
  sleeps,
  nests,   ///< makes a call of its own
  spawns,  ///< starts a process and waits for it
  last
};

/// What a task is told, beside its arguments.
struct Orders {
  std::uint64_t seed = 0;  ///< of the call
  std::uint32_t index = 0;
  Deed deed = Deed::none;
  std::uint32_t microseconds = 0;  ///< for sleeps
  std::uint64_t result_bytes = 0;
  std::string backend;             ///< for nests
  std::uint32_t nested_tasks = 0;  ///< at each level
  std::uint32_t levels = 0;        ///< below this task
};

/// Does the deed of these orders. Returns after it, where it does.
void carry_out(const Orders& orders);

/// Whether the task's last attempt ends with an error, and with which words in it.
bool fails(Deed deed, int retries);
std::string words_of_failure(const Orders& orders);

}  // namespace paracord::testkit::random
