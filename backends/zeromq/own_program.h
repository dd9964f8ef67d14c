#pragma once

#include <memory>
#include <string>

#include "paracord/backends/zeromq/batch_payload.h"
#include "paracord/backends/zeromq/call_setup.h"
#include "paracord/backends/zeromq/offers.h"

namespace paracord::cluster {

/// This program's files, as nodes that do not have them ask for them: read and named once, offered
/// as long as the object lives.
///
/// Threads: any.
class OwnProgram {
 public:
  explicit OwnProgram(Offers& offers);
  OwnProgram(const OwnProgram&) = delete;
  ~OwnProgram();

  /// The executable, and the shared objects that are loaded now and do not belong to the system:
  /// all but those in the system's folders, of which nodes must have their own. Throws
  /// BackendUnavailable where a file cannot be read.
  Program describe();
  /// What architecture and C library it needs: part of every description.
  static Program about();
  /// A module whose functions tasks name. `ship`: with its content, but for the executable's.
  ModuleUse module(std::uint32_t number, std::uint64_t reference, bool ship);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace paracord::cluster
