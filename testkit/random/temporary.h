#pragma once

#include <string>

namespace paracord::testkit::random {

/// A folder of one call's own, in that for temporary files. Removed with this object.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(bool wanted);
  TemporaryFolder(const TemporaryFolder&) = delete;
  ~TemporaryFolder();
  /// Empty where it was not wanted.
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Throws std::logic_error where the file is no whole trace of a call.
void check_trace(const std::string& path);

}  // namespace paracord::testkit::random
