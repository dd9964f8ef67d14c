#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <string>
#include <thread>

namespace paracord::cluster::test {

/// Passes TCP connections on to an address, and closes one in the middle.
class CutProxy {
 public:
  explicit CutProxy(const std::string& to);
  /// Connections are closed at once while this says no. Before any is made.
  void let_in(std::function<bool()> lets_in) { lets_in_ = std::move(lets_in); }
  CutProxy(const CutProxy&) = delete;
  ~CutProxy();

  std::string address() const;
  /// Closes the connection after so many bytes of both directions; once.
  void cut_after(std::size_t bytes) { left_.store(static_cast<long>(bytes)); }
  int connections() const { return connections_.load(); }

 private:
  void serve();
  void pass(int from, int to);

  int listener_ = -1, port_ = 0, target_port_ = 0;
  std::atomic<long> left_{-1};
  std::atomic<int> connections_{0};
  std::atomic<bool> stopped_{false};
  std::function<bool()> lets_in_;
  std::thread thread_;
};

}  // namespace paracord::cluster::test
