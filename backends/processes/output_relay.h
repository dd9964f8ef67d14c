#pragma once

#include <array>
#include <atomic>
#include <string>

#include "paracord/core/backend.h"
#include "paracord/core/descriptors.h"
#include "paracord/core/guarded.h"

namespace paracord::detail {

/// What a child writes to: its stdout, its stderr, and its last words when it crashes.
struct OutputPipes {
  /// Reading does not wait. Throws BackendUnavailable.
  struct Pipe {
    Pipe();
    Descriptor reading, writing;
  };
  Pipe output, errors, last_words;
};

/// What a worker writes to its stdout and stderr, brought to whoever takes it, or else to the
/// caller's own, line by line; and the last words of one that crashes.
///
/// Threads: any.
class OutputRelay {
 public:
  /// Takes over the reading ends.
  explicit OutputRelay(OutputPipes& pipes);
  OutputRelay(const OutputRelay&) = delete;

  void set_pid(int pid) { pid_ = pid; }
  /// Whose output it is from now on, and who takes it (null: nobody).
  void set_call(int worker, const OnWorkerOutput* on_output);
  /// Passes on what is there, without waiting. `rest`: also a line that has no end yet.
  void drain(bool rest);
  /// Whether one of the pipes has come to its end.
  bool closed() const { return closed_.load(); }
  /// The last lines of stderr.
  std::string last_errors();
  std::string last_words();

  static constexpr int descriptors = 3;
  int descriptor(int i) const { return pipes_[static_cast<std::size_t>(i)].get(); }

 private:
  struct Text {
    std::string lines[descriptors];  // not passed on yet; of the last words: all
    std::string last_errors;
    int worker = 0;
    const OnWorkerOutput* on_output = nullptr;
  };
  void pass_on(Text& text, int pipe, bool rest);
  std::array<Descriptor, descriptors> pipes_;
  int pid_ = 0;
  Guarded<Text> text_;
  std::atomic<bool> closed_{false};
};

}  // namespace paracord::detail
