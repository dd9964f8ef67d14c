#include "paracord/core/print_argument.h"

#include <charconv>
#include <cstdio>

namespace paracord::detail {

// Both compilers print the argument last, between "Named = " and the closing bracket; g++ may go on
// with the expansions of typedefs after a semicolon.
std::string name_from_pretty(const char* pretty) {
  const std::string_view text(pretty);
  constexpr std::string_view marker = "Named = ";
  const std::size_t found = text.find(marker);
  if (found == std::string_view::npos) return std::string(text);
  const std::size_t begin = found + marker.size();
  std::size_t end = text.find(';', begin);
  if (end == std::string_view::npos) end = text.rfind(']');
  return std::string(text.substr(begin, end - begin));
}

void print(std::string& out, long long value) {
  out += std::to_string(value);
}
void print(std::string& out, unsigned long long value) {
  out += std::to_string(value);
}
void print_bool(std::string& out, bool value) {
  out += value ? "true" : "false";
}

void print(std::string& out, double value) {
  char text[32];
  // As %.9g, whatever the program's locale is.
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::general, 9);
  out.append(text, end.ptr);
}

// A message ends at its first NUL for whoever reads what(), and control characters are for nobody's
// terminal.
void print_text(std::string& out, std::string_view value) {
  constexpr std::size_t shown = 60;
  out += '"';
  for (const char c : value.substr(0, shown)) {
    const auto code = static_cast<unsigned char>(c);
    if (code >= 0x20 && code != 0x7f) {
      out += c;
      continue;
    }
    char text[8];
    std::snprintf(text, sizeof text, "\\x%02x", static_cast<unsigned>(code));
    out += text;
  }
  out += value.size() > shown ? "…\"" : "\"";
}

void print_address(std::string& out, const void* value) {
  char text[32];
  std::snprintf(text, sizeof text, "%p", value);
  out += text;
}

void print_size(std::string& out, std::size_t size) {
  out += ", … ";
  out += std::to_string(size);
  out += " in all";
}

void print_or_name(std::string& out, const void* value,
                   void (*print)(std::string& out, const void* value, std::size_t end),
                   void (*print_type)(std::string& out)) {
  constexpr std::size_t max_text = 1000;
  const std::size_t start = out.size();
  try {
    print(out, value, start + max_text);
  } catch (...) {
    out.resize(start);
    print_type(out);
  }
}

}  // namespace paracord::detail
