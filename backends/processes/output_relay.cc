#include "paracord/backends/processes/output_relay.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

namespace paracord::detail {

namespace {

constexpr std::size_t longest_line = std::size_t{64} << 10;
constexpr std::size_t remembered_errors = 2048;

// Whole lines, unless the last one alone is too long.
void keep_last_lines(std::string& text) {
  if (text.size() <= remembered_errors) return;
  const std::size_t cut = text.size() - remembered_errors;
  const std::size_t end = text.find('\n', cut - 1);
  const bool leaves_some = end != std::string::npos && end + 1 < text.size();
  text.erase(0, leaves_some ? end + 1 : cut);
}
constexpr int output = 0, errors = 1, words = 2;

// All of it, to the caller's own descriptor: whole lines, so that lines of several workers do not
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

OutputRelay::OutputRelay(int output, int errors, int last_words)
    : pipes_{output, errors, last_words} {}

OutputRelay::~OutputRelay() {
  for (const int pipe : pipes_) close(pipe);
}

void OutputRelay::set_worker(int index) {
  text_.with([&](Text& text) { text.worker = index; });
}

void OutputRelay::drain(bool rest) {
  text_.with([&](Text& text) {
    char buffer[4096];
    for (int pipe = 0; pipe != descriptors; ++pipe) {
      while (true) {
        const ssize_t got = read(pipes_[pipe], buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got == 0) closed_.store(true);
        if (got <= 0) break;
        text.lines[pipe].append(buffer, static_cast<std::size_t>(got));
        if (pipe != words) pass_on(text, pipe, false);
      }
      if (rest && pipe != words) pass_on(text, pipe, true);
    }
  });
}

void OutputRelay::pass_on(Text& text, int pipe, bool rest) {
  std::string& lines = text.lines[pipe];
  const std::string mark =
      "[worker " + std::to_string(text.worker) + ", pid " + std::to_string(pid_) + "] ";
  std::string marked;
  std::size_t begin = 0;
  while (begin != lines.size()) {
    std::size_t end = lines.find('\n', begin);
    if (end == std::string::npos) {
      if (!rest && lines.size() - begin < longest_line) break;
      end = lines.size();
    }
    marked += mark + lines.substr(begin, end - begin) + "\n";
    begin = std::min(end + 1, lines.size());
  }
  if (pipe == errors) {
    text.last_errors += lines.substr(0, begin);
    keep_last_lines(text.last_errors);
  }
  lines.erase(0, begin);
  write_all(pipe == output ? STDOUT_FILENO : STDERR_FILENO, marked);
}

std::string OutputRelay::last_errors() {
  return text_.with([](Text& text) { return text.last_errors; });
}

std::string OutputRelay::last_words() {
  return text_.with([](Text& text) { return text.lines[words]; });
}

}  // namespace paracord::detail
