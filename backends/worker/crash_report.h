#pragma once

namespace paracord::detail {

/// The first line of what a thread that crashes writes. Then come the addresses of the code that it
/// ran, the innermost first, a line each (hexadecimal), an empty line, and its /proc/self/maps. Who
/// reads that knows what it means: see processes/backtrace.h.
inline constexpr const char* crash_report_head = "paracord: addresses\n";

/// From now on a thread that crashes (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT)
/// writes where to this descriptor before the process ends by that signal. A handler that the
/// user's code installs later takes precedence.
void report_crashes_to(int fd);

}  // namespace paracord::detail
