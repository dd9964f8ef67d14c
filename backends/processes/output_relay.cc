#include "paracord/backends/processes/output_relay.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "paracord/core/errors.h"
#include "paracord/core/worker_output.h"

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

}  // namespace

OutputPipes::Pipe::Pipe() {
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) == 0) {
    reading = Descriptor(moved_up(ends[0]));
    writing = Descriptor(moved_up(ends[1]));
  }
  if (reading.get() < 0 || writing.get() < 0) {
    throw BackendUnavailable(std::string("a worker process cannot be started: a pipe: ") +
                             std::strerror(errno));
  }
  fcntl(reading.get(), F_SETFL, O_NONBLOCK);
}

OutputRelay::OutputRelay(OutputPipes& pipes)
    : pipes_{std::move(pipes.output.reading), std::move(pipes.errors.reading),
             std::move(pipes.last_words.reading)} {}

void OutputRelay::set_call(int worker, const OnWorkerOutput* on_output) {
  text_.with([&](Text& text) {
    text.worker = worker;
    text.on_output = on_output;
  });
}

void OutputRelay::drain(bool rest) {
  text_.with([&](Text& text) {
    char buffer[4096];
    for (int pipe = 0; pipe != descriptors; ++pipe) {
      while (true) {
        const ssize_t got = read(descriptor(pipe), buffer, sizeof buffer);
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
  Observer::WorkerOutput whole{"", text.worker, pid_, pipe == errors, ""};
  const std::size_t last = lines.rfind('\n');
  if (rest || (last == std::string::npos && lines.size() >= longest_line)) {
    whole.text = std::exchange(lines, {});
  } else if (last != std::string::npos) {
    whole.text = lines.substr(0, last + 1);
    lines.erase(0, last + 1);
  }
  if (whole.text.empty()) return;
  if (pipe == errors) {
    text.last_errors += whole.text;
    keep_last_lines(text.last_errors);
  }
  if (whole.text.back() != '\n') whole.text += '\n';
  if (text.on_output == nullptr || !(*text.on_output)(whole)) print_worker_output(whole);
}

std::string OutputRelay::last_errors() {
  return text_.with([](Text& text) { return text.last_errors; });
}

std::string OutputRelay::last_words() {
  return text_.with([](Text& text) { return text.lines[words]; });
}

}  // namespace paracord::detail
