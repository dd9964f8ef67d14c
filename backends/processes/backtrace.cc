#include "paracord/backends/processes/backtrace.h"

#include <cxxabi.h>
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <map>
#include <sstream>

#include "paracord/backends/processes/debug_information.h"
#include "paracord/backends/worker/crash_report.h"

namespace paracord::detail {

namespace {

std::uintptr_t hexadecimal(std::string_view text) {
  std::uintptr_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

// A file that the crashed process had mapped, and where its first byte would lie.
struct Module {
  std::uintptr_t begin = 0, end = 0;
  std::string path;
};

// begin-end rwxp offset device inode path
std::vector<Module> modules_in(const std::string& maps) {
  std::vector<Module> modules;
  std::istringstream lines(maps);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t dash = line.find('-'), blank = line.find(' '), path = line.find('/');
    if (dash == std::string::npos || blank == std::string::npos || path == std::string::npos)
      continue;
    const std::string_view text(line);
    const std::uintptr_t end = hexadecimal(text.substr(dash + 1, blank - dash - 1));
    const bool goes_on = !modules.empty() && modules.back().path == text.substr(path);
    if (goes_on) {
      modules.back().end = end;
    } else {
      modules.push_back({hexadecimal(text.substr(0, dash)), end, line.substr(path)});
    }
  }
  return modules;
}

// By the names that the module exports, if this process has loaded it as well.
std::string exported_name(const Module& module, std::uintptr_t address) {
  static const std::vector<Module> own = [] {
    std::string maps;
    if (std::FILE* file = std::fopen("/proc/self/maps", "re")) {
      char part[4096];
      for (std::size_t got = 0; (got = std::fread(part, 1, sizeof part, file)) != 0;)
        maps.append(part, got);
      std::fclose(file);
    }
    return modules_in(maps);
  }();
  for (const Module& here : own) {
    if (here.path != module.path) continue;
    Dl_info info{};
    const std::uintptr_t place = address - module.begin + here.begin;
    if (place >= here.end || dladdr(reinterpret_cast<void*>(place), &info) == 0) return {};
    return info.dli_sname == nullptr ? std::string() : info.dli_sname;
  }
  return {};
}

std::string hexadecimal_text(std::uintptr_t value) {
  char text[2 * sizeof value];
  return "0x" + std::string(text, std::to_chars(text, std::end(text), value, 16).ptr);
}

// What of the name tells which function it is: without the type that a template returns.
std::string_view without_result(std::string_view function) {
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t at = 0; at != function.size(); ++at) {
    const char c = function[at];
    if (depth == 0 && c == '(' && !function.substr(0, at).ends_with("decltype")) break;
    if (c == '<' || c == '(' || c == '{') ++depth;
    if (c == '>' || c == ')' || c == '}') --depth;
    if (depth == 0 && c == ' ') begin = at + 1;
  }
  return function.substr(begin);
}

bool is_of_the_worker(std::string_view function) {
  const std::string_view name = without_result(function);
  return name.starts_with("paracord::detail::WorkerLoop::") ||
         name.starts_with("paracord::detail::ThreadPool::");
}

// The worker's own functions come below the task's, and between the two what calls it.
void cut_below_task(std::vector<StackFrame>& frames) {
  const auto worker = std::find_if(frames.begin(), frames.end(), [](const StackFrame& frame) {
    return is_of_the_worker(frame.function);
  });
  if (worker == frames.end()) return;
  frames.erase(worker, frames.end());
  while (!frames.empty() && is_glue(frames.back().function)) frames.pop_back();
}

}  // namespace

std::string demangled(const std::string& name) {
  int failed = 0;
  char* readable = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &failed);
  std::string text = failed == 0 ? readable : name;
  std::free(readable);
  return text;
}

bool is_glue(std::string_view function) {
  constexpr std::array<std::string_view, 7> ours = {
      "paracord::detail::", "paracord::Delayed", "std::__invoke",          "std::invoke",
      "std::apply",         "std::__apply",      "std::_Function_handler<"};
  const std::string_view name = without_result(function);
  return std::any_of(ours.begin(), ours.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

std::string StackFrame::text() const {
  if (function.empty()) return module;
  if (!file.empty()) return function + " at " + file + ":" + std::to_string(line);
  return function + " in " + module;
}

std::string text_of(const std::vector<StackFrame>& frames) {
  std::string text;
  for (std::size_t i = 0; i != frames.size(); ++i)
    text += "#" + std::to_string(i) + " " + frames[i].text() + "\n";
  return text;
}

std::string place_of_crash(const std::vector<StackFrame>& frames) {
  const auto known = std::find_if(frames.begin(), frames.end(), [](const StackFrame& frame) {
    return !frame.file.empty() && frame.module.find("/libc.so") == std::string::npos;
  });
  return known == frames.end() ? std::string() : ", in " + known->text();
}

std::vector<StackFrame> read_crash_report(const std::string& report) {
  const std::string_view head(crash_report_head);
  const std::size_t end = report.find("\n\n");
  if (!report.starts_with(head) || end == std::string::npos) return {};
  const std::string maps = report.substr(end + 2);
  const std::vector<Module> modules = modules_in(maps);
  DebugInformation debug(maps);
  std::vector<StackFrame> frames;
  std::istringstream lines(report.substr(head.size(), end - head.size()));
  for (std::string line; std::getline(lines, line);) {
    const std::uintptr_t address = hexadecimal(line);
    const auto module = std::find_if(modules.begin(), modules.end(), [&](const Module& one) {
      return address >= one.begin && address < one.end;
    });
    StackFrame frame;
    frame.module = hexadecimal_text(address);
    if (module != modules.end())
      frame.module = module->path + "+" + hexadecimal_text(address - module->begin);
    const std::size_t before = frames.size();
    debug.add_frames(address, frame, frames);
    if (frames.size() != before) continue;
    if (module != modules.end()) frame.function = demangled(exported_name(*module, address));
    frames.push_back(std::move(frame));
  }
  cut_below_task(frames);
  return frames;
}

}  // namespace paracord::detail
