#pragma once

#include <functional>
#include <memory>

namespace paracord::apps {

/// Takes SIGTERM and SIGINT, which would end the process, and tells a daemon of them: from when it
/// is there until it goes. One that comes before is told then; a second one before ends the
/// process.
///
/// Threads: to be made before others are started.
class Termination {
 public:
  Termination();

  class Served {
   public:
    Served(const Served&) = delete;
    ~Served();

   private:
    friend class Termination;
    explicit Served(Termination& of) : of_(of) {}
    Termination& of_;
  };
  /// At the first signal `first` is called, at each of the next ones `second`, by another thread or
  /// at once; neither is any more after what is returned has gone.
  [[nodiscard]] Served serve(std::function<void()> first, std::function<void()> second);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace paracord::apps
