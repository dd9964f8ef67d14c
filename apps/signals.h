#pragma once

#include <functional>

namespace paracord::apps {

/// From now on SIGTERM and SIGINT do not end the process: a thread of its own calls `first` at the
/// first of them, and `second` at the next. To be called before other threads are started.
void on_termination(std::function<void()> first, std::function<void()> second);

}  // namespace paracord::apps
