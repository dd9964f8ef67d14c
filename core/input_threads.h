#pragma once

namespace paracord::detail {

/// Runs `job(argument)` on a thread where user code may wait for whatever it likes: reading the
/// input of a call, whose results come in on a thread that must not. Threads are started as they
/// are needed, since each may be kept for long by an input that waits, and end when they had
/// nothing to do for a while. Where none can be started the job runs here.
///
/// Threads: any.
void run_on_input_thread(void (*job)(void*), void* argument);

}  // namespace paracord::detail
