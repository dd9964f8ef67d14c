#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace paracord::detail {

/// A function that was running when a thread crashed.
struct StackFrame {
  std::string function;  ///< as a person writes it; empty: nobody knows
  std::string file;      ///< of the source; empty: there is no debug information
  int line = 0;
  std::string module;  ///< the program or library, with the place in it

  /// "function at file:line", or what is known of that.
  std::string text() const;
};

/// What report_crashes_to() has written, made readable: the innermost first, inlined functions
/// among them; of a worker's own functions, below the task, none. Empty where `report` is no such
/// thing. Takes some time: debug information is read from the files of the crashed process.
std::vector<StackFrame> read_crash_report(const std::string& report);

/// All of them, a line each.
std::string text_of(const std::vector<StackFrame>& frames);
/// ", in function at file:line": the innermost function of which the source is known, if any is.
std::string place_of_crash(const std::vector<StackFrame>& frames);

/// Whether a function only stands between the worker and the task's own function.
bool is_glue(std::string_view function);

}  // namespace paracord::detail
