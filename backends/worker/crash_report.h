#pragma once

namespace paracord::detail {

/// From now on a thread that crashes (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT) writes its
/// backtrace to this descriptor before the process ends by that signal. A handler that the user's
/// code installs later takes precedence.
void report_crashes_to(int fd);

}  // namespace paracord::detail
