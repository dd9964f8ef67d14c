#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "paracord/backends/processes/backtrace.h"

namespace paracord::detail {

/// What the files of a process say of its code, read by libdw (elfutils). That is loaded when it is
/// needed first: a program that has no crash does without it. Where the build had no headers of it,
/// or the machine has no such library, nothing is known.
class DebugInformation {
 public:
  /// `maps`: the text of the process's /proc/…/maps.
  explicit DebugInformation(const std::string& maps);
  DebugInformation(const DebugInformation&) = delete;
  ~DebugInformation();

  /// Adds the function at the address, behind those that are inlined there; none where nothing is
  /// known. `known`: what holds for all of them.
  void add_frames(std::uintptr_t address, const StackFrame& known, std::vector<StackFrame>& frames);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A symbol's name as a person writes it.
std::string demangled(const std::string& name);

}  // namespace paracord::detail
