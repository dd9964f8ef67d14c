#include "paracord/memmap/type_text.h"

namespace paracord::detail {

namespace {

void drop_all(std::string& text, const std::string& part) {
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at))
    text.erase(at, part.size());
}

}  // namespace

std::string class_name(const std::string& printed) {
  if (printed.find("lambda") != std::string::npos) return "lambda";
  std::string name = printed;
  // What the compilers write in different ways.
  for (const char* part : {"(anonymous namespace)::", "{anonymous}::", "<unnamed>::", "__cxx11::",
                           "__1::", "_V2::", "struct ", "class ", "enum "}) {
    drop_all(name, part);
  }
  return name.substr(0, name.find_first_of("<("));
}

}  // namespace paracord::detail
