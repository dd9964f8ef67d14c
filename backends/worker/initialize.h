#pragma once

/// How a program becomes a worker of its own: the role in which a backend has started it.
namespace paracord {

/// The first line of main, where the program uses backends with processes of their own
/// ("processes", "zeromq"). In an ordinary run it returns at once, having taken note that workers
/// can be started from this executable. In a worker process it never returns: it runs tasks until
/// the parent ends, and main goes no further.
///
/// Starts no thread and changes nothing in an ordinary run.
void initialize(int& argc, char**& argv);

namespace detail {

/// Whether initialize() was called: whether this executable can be a worker.
bool is_initialized();

/// What argv[1] is in a worker, followed by the number of an inherited descriptor.
inline constexpr const char* worker_sentinel = "--paracord-worker-of-its-own-program";

/// Where a process in a role writes its last words: a descriptor that it inherits.
inline constexpr int last_words_of_role = 4;

/// The worker's life; the executable's path is what argv[0] says.
[[noreturn]] void worker_main(int socket);

}  // namespace detail
}  // namespace paracord
