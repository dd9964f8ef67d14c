#pragma once

#include <utility>

namespace paracord::detail {

/// A descriptor that is closed with its owner.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();
  int get() const { return fd_; }

 private:
  int fd_;
};

/// `fd`, or where it is below 10 a duplicate that is not, and `fd` is closed. A program that has
/// closed its stdout would otherwise print into a file of the library's; and a new process has
/// descriptors of its own there. -1, with errno: `fd` was -1, or no other is to be had.
int moved_up(int fd);

/// Opens /dev/null where the program's stdin, stdout or stderr is closed, for good: libraries that
/// take the lowest number for what they open would get what the program prints.
void fill_standard_descriptors();

}  // namespace paracord::detail
