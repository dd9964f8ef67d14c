#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace paracord::apps {

/// A daemon's pages over HTTP: for probes, for Prometheus, for people.
///
/// What tells of tasks wants a token, unless the server listens on loopback only; there it wants
/// that the browser knows it under a loopback name, so that no other site's script can read it.
///
/// Threads: handlers are called from several at once. Add them before start().
class HttpServer {
 public:
  struct Options {
    std::string address;  ///< HOST:PORT, [::1]:PORT; port 0: any
    std::string token;    ///< empty: none; then guarded pages are served on loopback only
  };
  struct Reply {
    std::string body;
    std::string type = "text/plain; charset=utf-8";
    int status = 200;
  };
  using Handler = std::function<Reply()>;
  enum class Access {
    open,     ///< for anyone who reaches it
    guarded,  ///< with the token, or on loopback
    local     ///< from this machine (a pod, a container) only
  };

  /// Throws std::invalid_argument for an address that is none.
  explicit HttpServer(Options options);
  HttpServer(const HttpServer&) = delete;
  ~HttpServer();

  void get(const std::string& path, Access access, Handler handler);
  void post(const std::string& path, Access access, Handler handler);

  /// Serves from now on, in threads of its own. Returns where. Throws std::runtime_error where it
  /// cannot listen.
  std::string start();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// HOST:PORT in two. Throws std::invalid_argument.
std::pair<std::string, int> split_address(const std::string& address);

/// The first line of a file that only its owner (and group) may read. Throws std::invalid_argument.
std::string read_token(const std::string& path);

}  // namespace paracord::apps
