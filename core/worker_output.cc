#include "paracord/core/worker_output.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

namespace paracord::detail {

namespace {

// All of it, to the descriptor itself: whole lines at once, so that lines of several workers do not
// mix.
void write_all(int fd, const std::string& text) {
  std::size_t done = 0;
  while (done != text.size()) {
    const ssize_t written = write(fd, text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // the caller has closed it: nobody wants to read
    done += static_cast<std::size_t>(written);
  }
}

}  // namespace

void print_worker_output(const Observer::WorkerOutput& output) {
  const std::string where = output.host.empty() ? "" : " on " + output.host;
  const std::string mark = "[worker " + std::to_string(output.worker) + where + ", pid " +
                           std::to_string(output.pid) + "] ";
  std::string marked;
  const std::string& text = output.text;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    marked += mark + text.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
  write_all(output.is_error ? STDERR_FILENO : STDOUT_FILENO, marked);
}

}  // namespace paracord::detail
