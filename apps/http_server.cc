#include "paracord/apps/http_server.h"

#include <httplib.h>
#include <sys/stat.h>

#include <fstream>
#include <stdexcept>
#include <thread>

#include "paracord/core/service_thread.h"

namespace paracord::apps {

namespace {

constexpr int threads = 8;
constexpr int longest_request_seconds = 5;
constexpr std::size_t largest_request = 4096;
constexpr const char* cookie = "paracord_token=";

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1" || address.starts_with("::ffff:127.") ||
         address == "localhost";
}

// The host that the client believes to talk to, without port and brackets.
std::string host_of(const httplib::Request& request) {
  const std::string host = request.get_header_value("Host");
  if (host.starts_with("[")) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

bool is_local(const httplib::Request& request) {
  return is_loopback(request.remote_addr) && is_loopback(host_of(request));
}

// As long for any wrong token as for any other.
bool equal(const std::string& given, const std::string& token) {
  unsigned difference = given.size() == token.size() ? 0 : 1;
  for (std::size_t i = 0; i != given.size(); ++i)
    difference |= static_cast<unsigned char>(given[i] ^ token[i % token.size()]);
  return difference == 0;
}

std::string token_in(const httplib::Request& request) {
  const std::string authorization = request.get_header_value("Authorization");
  if (authorization.starts_with("Bearer ")) return authorization.substr(7);
  const std::string cookies = request.get_header_value("Cookie");
  const std::size_t found = cookies.find(cookie);
  if (found == std::string::npos) return {};
  const std::size_t begin = found + std::string_view(cookie).size();
  return cookies.substr(begin, cookies.find(';', begin) - begin);
}

constexpr const char* login_page =
    "<!doctype html><meta name=viewport content='width=device-width'><title>Paracord</title>"
    "<body style='font:16px system-ui;margin:3em'><form method=post action=/login>"
    "<label>Token <input name=token type=password autofocus></label> <button>Show</button></form>";

}  // namespace

struct HttpServer::State {
  Options options;
  std::string host;
  int port = 0;
  httplib::Server server;
  std::thread thread;

  bool admits(const httplib::Request& request, httplib::Response& response) const {
    if (is_local(request)) return true;
    if (options.token.empty()) {
      response.status = 403;
      response.set_content(
          "this daemon was given no token (--http-token-file), so it shows its tasks to programs "
          "on its own machine only\n",
          "text/plain");
      return false;
    }
    if (equal(token_in(request), options.token)) return true;
    response.status = 401;
    const bool is_page = request.path == "/";
    if (!is_page) response.set_header("WWW-Authenticate", "Bearer");
    response.set_content(is_page ? login_page : "the token is missing, or is another one\n",
                         is_page ? "text/html" : "text/plain");
    return false;
  }

  httplib::Server::Handler guarded(Access access, Handler handler) const {
    return [this, access, handler = std::move(handler)](const httplib::Request& request,
                                                        httplib::Response& response) {
      if (access == Access::guarded && !admits(request, response)) return;
      // A header of its own: what a browser sends for another site's page has none.
      if (access == Access::local && (!is_local(request) || !request.has_header("X-Paracord"))) {
        response.status = 403;
        response.set_content("this is for `paracord` on the same machine\n", "text/plain");
        return;
      }
      const Reply reply = handler();
      response.status = reply.status;
      response.set_content(reply.body, reply.type.c_str());
    };
  }

  void log_in(const httplib::Request& request, httplib::Response& response) const {
    const std::string given = request.get_param_value("token");
    if (!options.token.empty() && equal(given, options.token)) {
      response.set_header("Set-Cookie", cookie + given + "; HttpOnly; SameSite=Strict; Path=/");
    }
    response.set_redirect("/", 303);
  }
};

std::pair<std::string, int> split_address(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  const auto refuse = [&]() -> std::pair<std::string, int> {
    throw std::invalid_argument("'" + address +
                                "' is no address for HTTP; write HOST:PORT, say 127.0.0.1:7780, "
                                "or [::]:7780");
  };
  if (colon == std::string::npos || colon == 0) return refuse();
  std::string host = address.substr(0, colon);
  if (host.front() == '[') {
    if (host.back() != ']') return refuse();
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return refuse();
  }
  const std::string digits = address.substr(colon + 1);
  if (digits.empty() || digits.size() > 5 ||
      digits.find_first_not_of("0123456789") != std::string::npos)
    return refuse();
  const int port = std::stoi(digits);
  if (port > 65'535) return refuse();
  return {host, port};
}

std::string read_token(const std::string& path) {
  struct stat about {};
  if (stat(path.c_str(), &about) != 0)
    throw std::invalid_argument("the token file " + path + " cannot be read");
  if ((about.st_mode & 007) != 0) {
    throw std::invalid_argument("the token file " + path +
                                " can be read by others; chmod it to 600");
  }
  std::ifstream file(path);
  std::string token;
  std::getline(file, token);
  if (token.size() < 16) {
    throw std::invalid_argument("the token in " + path +
                                " has fewer than 16 characters; make one with `openssl rand -hex "
                                "32`");
  }
  return token;
}

HttpServer::HttpServer(Options options) : state_(std::make_unique<State>()) {
  State& state = *state_;
  std::tie(state.host, state.port) = split_address(options.address);
  state.options = std::move(options);
  // One request for each connection: so nobody holds a thread for longer than that.
  state.server.set_keep_alive_max_count(1);
  state.server.set_read_timeout(longest_request_seconds);
  state.server.set_write_timeout(longest_request_seconds);
  state.server.set_payload_max_length(largest_request);
  state.server.new_task_queue = [] { return new httplib::ThreadPool(threads); };
  state.server.set_default_headers(
      {{"X-Content-Type-Options", "nosniff"},
       {"Cache-Control", "no-store"},
       {"Referrer-Policy", "no-referrer"},
       {"Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src "
        "'self'; img-src data:; form-action 'self'; frame-ancestors 'none'"}});
  state.server.Post("/login",
                    [&state](const httplib::Request& request, httplib::Response& response) {
                      state.log_in(request, response);
                    });
}

HttpServer::~HttpServer() {
  state_->server.stop();
  if (state_->thread.joinable()) state_->thread.join();
}

void HttpServer::get(const std::string& path, Access access, Handler handler) {
  state_->server.Get(path, state_->guarded(access, std::move(handler)));
}

void HttpServer::post(const std::string& path, Access access, Handler handler) {
  state_->server.Post(path, state_->guarded(access, std::move(handler)));
}

std::string HttpServer::start() {
  State& state = *state_;
  const bool any_port = state.port == 0;
  const int port = any_port ? state.server.bind_to_any_port(state.host)
                   : state.server.bind_to_port(state.host, state.port) ? state.port
                                                                       : -1;
  if (port < 0) {
    throw std::runtime_error("cannot listen for HTTP on " + state.options.address +
                             "; is the port in use, and the address this machine's?");
  }
  state.thread = detail::service_thread([&state] { state.server.listen_after_bind(); });
  const bool is_v6 = state.host.find(':') != std::string::npos;
  return "http://" + (is_v6 ? "[" + state.host + "]" : state.host) + ":" + std::to_string(port);
}

}  // namespace paracord::apps
