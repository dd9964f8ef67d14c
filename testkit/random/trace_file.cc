#include "paracord/testkit/random/trace_file.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace paracord::testkit::random {

TraceFile::TraceFile(bool wanted) {
  if (!wanted) return;
  std::string name = std::filesystem::temp_directory_path() / "paracord-trace-XXXXXX";
  const int fd = mkstemp(name.data());
  if (fd < 0) throw std::runtime_error("no file can be made in the folder for temporary files");
  close(fd);
  path_ = name;
}

TraceFile::~TraceFile() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove(path_, ignored);
}

void TraceFile::check() const {
  if (path_.empty()) return;
  std::ifstream file(path_);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto last = text.find_last_not_of(" \n");
  const bool whole = !text.empty() && (text.front() == '[' || text.front() == '{') &&
                     last != std::string::npos && (text[last] == ']' || text[last] == '}');
  if (!whole) throw std::logic_error("the trace file is not whole");
}

}  // namespace paracord::testkit::random
