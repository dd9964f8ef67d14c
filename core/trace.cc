// The timeline of a call, in the JSON form that Perfetto and chrome://tracing read.

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "paracord/core/describe_error.h"
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

class TraceFile final : public Probe::Listener {
 public:
  explicit TraceFile(const std::string& path) : path_(path), file_(path) {
    file_.precision(15);
    if (!file_) {
      throw std::invalid_argument("trace = \"" + path +
                                  "\" cannot be written; name a file in a folder that exists");
    }
    file_ << "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [\n";
  }

  void call_started(const CallStarted& event) override {
    started_ = event.time;
    backend_ = event.backend;
  }

  void function_done(const TaskDone& event, const std::string& function) override {
    workers_ = std::max(workers_, event.worker + 1);
    begin_event() << "{\"name\": " << quoted(function)
                  << ", \"cat\": \"task\", \"ph\": \"X\", \"ts\": " << microseconds(event.started)
                  << ", \"dur\": "
                  << std::chrono::duration<double, std::micro>(event.ended - event.started).count()
                  << place(event.worker) << ", \"args\": {\"index\": " << event.index
                  << ", \"failed\": " << (event.error != nullptr ? "true" : "false") << "}}";
  }

  // Written under the call's lock and as it goes: the memory that a trace takes does not grow.
  void call_finished(const CallFinished& event) override {
    begin_event()
        << "{\"name\": \"parallel\", \"cat\": \"call\", \"ph\": \"X\", \"ts\": 0, \"dur\": "
        << microseconds(event.time) << place(workers_)
        << ", \"args\": {\"backend\": " << quoted(backend_) << ", \"done\": " << event.done_count
        << ", \"cancelled\": " << event.cancelled_count << "}}";
    name_thread(workers_, "call");
    for (int worker = 0; worker != workers_; ++worker)
      name_thread(worker, "worker " + std::to_string(worker));
    file_ << "\n]}\n";
    file_.close();
    if (!file_)
      std::fprintf(stderr, "paracord: the trace %s could not be written whole\n", path_.c_str());
  }

 private:
  double microseconds(Time time) const {
    return std::chrono::duration<double, std::micro>(time - started_).count();
  }
  std::string place(int row) const {
    return ", \"pid\": " + std::to_string(getpid()) + ", \"tid\": " + std::to_string(row);
  }
  std::ostream& begin_event() {
    if (std::exchange(comma_, true)) file_ << ",\n";
    return file_;
  }
  void name_thread(int row, const std::string& name) {
    begin_event() << "{\"name\": \"thread_name\", \"ph\": \"M\"" << place(row)
                  << ", \"args\": {\"name\": " << quoted(name) << "}}";
  }

  const std::string path_;
  std::ofstream file_;
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
