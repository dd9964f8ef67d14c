#include "paracord/transport/key_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace paracord::cluster {

namespace fs = std::filesystem;

namespace {

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    throw std::invalid_argument("the key file " + path + " cannot be read (" +
                                std::strerror(errno) +
                                "); `paracord keygen` makes the files that are needed");
  }
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty() && line.front() != '#') lines.push_back(line);
  }
  return lines;
}

const std::string& checked(const std::string& key, const std::string& path) {
  if (is_key(key)) return key;
  throw std::invalid_argument("the key file " + path +
                              " holds a line that is no key: a key has 40 characters; make the "
                              "file again with `paracord keygen`");
}

// Whoever can read a secret key can be its owner.
void check_private(const std::string& path) {
  struct stat about {};
  if (stat(path.c_str(), &about) != 0 || (about.st_mode & (S_IRWXG | S_IRWXO)) == 0) return;
  // What a container's volume gives to a group is that group's business; what all may read is not.
  if ((about.st_mode & S_IRWXO) == 0 && about.st_uid != getuid()) return;
  throw std::invalid_argument("the secret key file " + path +
                              " can be read by others than its owner; run: chmod 600 " + path);
}

void write_file(const std::string& path, const std::string& text, mode_t mode) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0 && errno == EEXIST) {
    throw std::invalid_argument("the key file " + path +
                                " is there already, and is not overwritten; remove it first, or "
                                "choose another folder");
  }
  const bool written =
      fd >= 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  if (fd >= 0) close(fd);
  if (!written)
    throw std::runtime_error("the key file " + path +
                             " cannot be written: " + std::strerror(error));
}

}  // namespace

KeyPair read_key_pair(const std::string& folder, const std::string& name) {
  const std::string path = folder + "/" + name + ".secret";
  const std::vector<std::string> lines = lines_of(path);
  check_private(path);
  if (lines.size() != 2) {
    throw std::invalid_argument("the key file " + path +
                                " should hold two lines, the public and the secret key; make it "
                                "again with `paracord keygen`");
  }
  return {checked(lines[0], path), checked(lines[1], path)};
}

std::string read_public_key(const std::string& folder, const std::string& name) {
  const std::string path = folder + "/" + name + ".public";
  const std::vector<std::string> lines = lines_of(path);
  if (lines.size() != 1)
    throw std::invalid_argument("the key file " + path + " should hold one line, the public key");
  return checked(lines[0], path);
}

KeyPair write_key_pair(const std::string& folder, const std::string& name) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  const KeyPair pair = make_key_pair();
  write_file(
      folder + "/" + name + ".secret",
      "# Paracord: keep this to yourself.\n" + pair.public_key + "\n" + pair.secret_key + "\n",
      0600);
  write_file(folder + "/" + name + ".public", pair.public_key + "\n", 0644);
  return pair;
}

std::set<std::string> read_authorised_keys(const std::string& path) {
  std::set<std::string> keys;
  const auto add = [&](const std::string& file) {
    for (const std::string& line : lines_of(file)) keys.insert(checked(line, file));
  };
  std::error_code none;
  if (!fs::is_directory(path, none)) {
    add(path);
    return keys;
  }
  for (const auto& entry : fs::directory_iterator(path, none)) {
    if (entry.path().extension() == ".public") add(entry.path());
  }
  return keys;
}

}  // namespace paracord::cluster
