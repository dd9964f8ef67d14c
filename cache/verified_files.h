#pragma once

namespace paracord::detail {

/// Mapped entries are held against their digests when this process maps them for the first time:
/// published files never change. A file counts as another one when it was written to.
///
/// Threads: any.
bool is_verified(int fd);
void remember_verified(int fd);

}  // namespace paracord::detail
