#include "paracord/transport/socks.h"

#include <cctype>

namespace paracord::cluster::socks {

std::string plain_host(std::string host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::error_code is_name;
  const auto address = asio::ip::make_address(host, is_name);
  if (!is_name) return address.to_string();
  for (char& letter : host)
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return host;
}

Target target_of(const std::string& address) {
  constexpr std::size_t scheme = 6;
  const std::size_t colon = address.rfind(':');
  const std::string port = address.substr(colon + 1);
  return {plain_host(address.substr(scheme, colon - scheme)),
          static_cast<std::uint16_t>(port == "*" ? 0 : std::stoi(port))};
}

}  // namespace paracord::cluster::socks
