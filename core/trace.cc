// The timeline of a call, in the JSON form that Perfetto and chrome://tracing read.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "paracord/core/descriptors.h"
#include "paracord/core/number_text.h"
#include "paracord/core/probe.h"

namespace paracord::detail {

namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + '"';
}

// Out of the way of the program's own output, also where that is closed.
int open_trace(const std::string& path) {
  int fd = -1;
  do {
    fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  } while (fd < 0 && errno == EINTR);
  return moved_up(fd);
}

class TraceFile final : public Probe::Listener {
 public:
  explicit TraceFile(const std::string& path) : path_(path), fd_(open_trace(path)) {
    if (fd_ < 0) {
      throw std::invalid_argument("trace = \"" + path + "\" cannot be written (" +
                                  std::strerror(errno) + "); name a file in a folder that exists");
    }
    text_ = "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [\n";
  }
  TraceFile(const TraceFile&) = delete;
  ~TraceFile() override { close(fd_); }

  void call_started(const CallStarted& event) override {
    started_ = event.time;
    backend_ = event.backend;
  }

  void function_done(const TaskDone& event, const std::string& function) override {
    workers_ = std::max(workers_, event.worker + 1);
    add("{\"name\": " + quoted(function) +
        ", \"cat\": \"task\", \"ph\": \"X\", \"ts\": " + microseconds(event.started - started_) +
        ", \"dur\": " + microseconds(event.ended - event.started) + place(event.worker) +
        ", \"args\": {\"index\": " + std::to_string(event.index) +
        ", \"failed\": " + (event.error != nullptr ? "true" : "false") + "}}");
  }

  // Written under the call's lock and as it goes: the memory that a trace takes does not grow.
  void call_finished(const CallFinished& event) override {
    add("{\"name\": \"parallel\", \"cat\": \"call\", \"ph\": \"X\", \"ts\": 0, \"dur\": " +
        microseconds(event.time - started_) + place(workers_) + ", \"args\": {\"backend\": " +
        quoted(backend_) + ", \"done\": " + std::to_string(event.done_count) +
        ", \"cancelled\": " + std::to_string(event.cancelled_count) + "}}");
    name_thread(workers_, "call");
    for (int worker = 0; worker != workers_; ++worker)
      name_thread(worker, "worker " + std::to_string(worker));
    text_ += "\n]}\n";
    flush();
    if (error_ == 0) return;
    std::fprintf(stderr, "paracord: the trace %s is not whole: %s\n", path_.c_str(),
                 std::strerror(error_));
  }

 private:
  static std::string microseconds(Time::duration duration) {
    return fixed_text(std::chrono::duration<double, std::micro>(duration).count(), 3);
  }
  std::string place(int row) const {
    return ", \"pid\": " + std::to_string(getpid()) + ", \"tid\": " + std::to_string(row);
  }
  void add(const std::string& event) {
    if (std::exchange(comma_, true)) text_ += ",\n";
    text_ += event;
    if (text_.size() >= most_text) flush();
  }
  // The first error stays: what would come behind it has no place.
  void flush() {
    const char* next = text_.data();
    for (std::size_t left = text_.size(); left != 0 && error_ == 0;) {
      const ssize_t written = write(fd_, next, left);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) {
        error_ = written == 0 ? EIO : errno;
        break;
      }
      next += written;
      left -= static_cast<std::size_t>(written);
    }
    text_.clear();
  }
  void name_thread(int row, const std::string& name) {
    add("{\"name\": \"thread_name\", \"ph\": \"M\"" + place(row) +
        ", \"args\": {\"name\": " + quoted(name) + "}}");
  }

  static constexpr std::size_t most_text = std::size_t{64} << 10;
  const std::string path_;
  const int fd_;
  std::string text_;  // not written yet
  int error_ = 0;     // of the first write that failed
  Time started_{};
  std::string backend_;
  int workers_ = 0;
  bool comma_ = false;
};

}  // namespace

std::unique_ptr<Probe::Listener> make_trace_file(const std::string& path) {
  return std::make_unique<TraceFile>(path);
}

}  // namespace paracord::detail
