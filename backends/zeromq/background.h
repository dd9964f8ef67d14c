#pragma once

#include <functional>
#include <memory>

namespace paracord::cluster {

/// A thread for what takes long and must not hold up a loop: hashing, verifying, writing files.
/// Jobs run in their order. Its destructor lets the running job end and forgets the others.
///
/// Threads: any.
class Background {
 public:
  Background();
  Background(const Background&) = delete;
  ~Background();
  void run(std::function<void()> job);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace paracord::cluster
