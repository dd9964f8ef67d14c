#pragma once

#include <cstdint>

/// Programs that fork() after they have used the library. The child has none of its threads, and
/// shares rings, sockets and child processes with its parent, which go on to be the parent's: so it
/// begins anew.
namespace paracord::detail {

/// How often this process's ancestors have forked since the library was first used: what was made
/// at another count belongs to an ancestor.
std::uint64_t fork_count();

/// The descriptor's end tells another process that this one has ended: a child of a fork closes its
/// copy at once. Both do nothing where very many are registered.
///
/// Threads: any.
void close_in_forked_children(int fd);
/// Before it is closed.
void keep_in_forked_children(int fd);

}  // namespace paracord::detail
