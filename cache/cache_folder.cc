#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "paracord/cache/cache_folder.h"
#include "paracord/memmap/new_file.h"

namespace paracord::detail {

namespace {

namespace fs = std::filesystem;

constexpr const char* tag_name = "CACHEDIR.TAG";
constexpr const char* ignore_name = ".gitignore";
// The first line is that of the convention: https://bford.info/cachedir/
constexpr const char* tag_text =
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# Results that paracord::Memory remembers. They can be deleted at any time.\n";

void write_whole(const fs::path& path, const std::string& text) {
  NewFile file(path);
  file.write(text.data(), text.size());
  file.commit();
}

// Somebody else's files do not get lost in a cache, nor to .gitignore.
void check_empty(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    // Of one who began: the tag, and files on their way to their names.
    if (name.starts_with(tag_name) || is_temporary_name(name)) continue;
    // Somebody who began at the same time may have come to its end since it was looked at.
    if (is_cache_folder(folder)) return;
    throw std::invalid_argument("'" + folder.string() +
                                "' cannot be a cache: it holds other things, such as '" +
                                entry.path().filename().string() +
                                "'; give the cache a folder of its own, which may be in this one");
  }
}

}  // namespace

bool is_cache_folder(const std::string& path) {
  std::error_code failed;
  if (!fs::is_regular_file(fs::path(path) / tag_name, failed)) return false;  // a pipe would block
  std::ifstream tag(fs::path(path) / tag_name, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(tag), {});
  return text == tag_text;
}

void make_cache_folder(const std::string& path) {
  std::error_code failed;
  fs::create_directories(path, failed);
  if (!fs::is_directory(path)) {
    throw std::runtime_error(
        "'" + path + "' cannot be a cache: " + (failed ? failed.message() : "it is no folder"));
  }
  if (is_cache_folder(path)) return;
  check_empty(path);
  write_whole(fs::path(path) / tag_name, tag_text);
  if (!fs::exists(fs::path(path) / ignore_name)) write_whole(fs::path(path) / ignore_name, "*\n");
}

}  // namespace paracord::detail
