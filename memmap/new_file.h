#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace paracord::detail {

/// Throws std::runtime_error: what was tried with the file, and errno's reason.
[[noreturn]] void refuse_file(const std::string& doing, const std::string& path);

/// A file that takes its name when it is complete: who opens the name sees the old contents or the
/// new, and who has the old ones mapped keeps them. (After a crash of the machine, as for any file
/// that was not synced, either may be damaged.)
///
/// Owns: the descriptor, and the file until commit().
/// Errors: std::runtime_error with the path and the reason; std::invalid_argument for a path of
/// something that is no file.
class NewFile {
 public:
  explicit NewFile(const std::string& path);
  NewFile(const NewFile&) = delete;
  ~NewFile();

  /// Behind what was written last.
  void write(const void* data, std::size_t bytes);
  /// Zeros up to here, that take no room before they are written.
  void extend(std::uint64_t bytes);
  int fd() const { return fd_; }
  /// The name, from now on; replaces a file that has it.
  void commit();

 private:
  void keep_owner_and_permissions();

  std::string path_, temporary_;
  int fd_ = -1;
};

/// Whether a file of this name, without its folder, is one that has not taken its own yet.
bool is_temporary_name(std::string_view name);

/// Reads exactly so many bytes; throws std::runtime_error.
void read_fully(int fd, void* data, std::size_t bytes, std::uint64_t offset,
                const std::string& path);

}  // namespace paracord::detail
