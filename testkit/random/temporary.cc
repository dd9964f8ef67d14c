#include "paracord/testkit/random/temporary.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace paracord::testkit::random {

TemporaryFolder::TemporaryFolder(bool wanted) {
  if (!wanted) return;
  std::string name = std::filesystem::temp_directory_path() / "paracord-random-XXXXXX";
  if (mkdtemp(name.data()) == nullptr)
    throw std::runtime_error("no folder can be made in the one for temporary files");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

void check_trace(const std::string& path) {
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto last = text.find_last_not_of(" \n");
  const bool whole = !text.empty() && (text.front() == '[' || text.front() == '{') &&
                     last != std::string::npos && (text[last] == ']' || text[last] == '}');
  if (!whole) throw std::logic_error("the trace file is not whole");
}

}  // namespace paracord::testkit::random
