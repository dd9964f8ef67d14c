#pragma once

#include <string>

namespace paracord::testkit::random {

/// A trace file of one call, in the folder for temporary files. Removed with this object.
class TraceFile {
 public:
  explicit TraceFile(bool wanted);
  TraceFile(const TraceFile&) = delete;
  ~TraceFile();
  const std::string& path() const { return path_; }
  /// Throws std::logic_error where the file is no whole trace.
  void check() const;

 private:
  std::string path_;
};

}  // namespace paracord::testkit::random
