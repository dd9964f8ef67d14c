// The relay: what it says to those who ask, and planes that dial through it.

#include "paracord/transport/relay.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "paracord/core/errors.h"
#include "paracord/tests/transport/cut_proxy.h"
#include "paracord/tests/transport/planes.h"

namespace paracord::cluster::test {
namespace {

using namespace std::chrono_literals;
using Bytes = std::vector<int>;

const Relay::Options on_loopback{.listen = "tcp://127.0.0.1:*"};

int port_of(const std::string& address) {
  return std::stoi(address.substr(address.rfind(':') + 1));
}

/// One who talks to the relay, byte by byte.
class Dialogue {
 public:
  explicit Dialogue(const Relay& relay) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port_of(relay.address())));
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  Dialogue(const Dialogue&) = delete;
  ~Dialogue() { close(fd_); }
  void say(const Bytes& bytes) {
    const std::vector<unsigned char> said(bytes.begin(), bytes.end());
    EXPECT_EQ(send(fd_, said.data(), said.size(), MSG_NOSIGNAL), static_cast<ssize_t>(said.size()));
  }
  // All that comes, up to so many bytes, or until the other end closes.
  Bytes hear(std::size_t most) {
    Bytes heard;
    unsigned char byte = 0;
    while (heard.size() != most && recv(fd_, &byte, 1, 0) == 1) heard.push_back(byte);
    return heard;
  }
  // The relay's answer to a wish to be connected: its second byte.
  int ask(const Bytes& request) {
    say({5, 1, 0});
    EXPECT_EQ(hear(2), (Bytes{5, 0}));
    say(request);
    const Bytes answer = hear(10);
    return answer.size() == 10 ? answer[1] : -1;
  }

 private:
  int fd_;
};

Bytes request_for(int port, int command = 1) {
  return {5, command, 0, 1, 127, 0, 0, 1, port >> 8, port & 0xff};
}

Bytes request_for_name(const std::string& name, int port) {
  Bytes request{5, 1, 0, 3, static_cast<int>(name.size())};
  request.insert(request.end(), name.begin(), name.end());
  request.insert(request.end(), {port >> 8, port & 0xff});
  return request;
}

TEST(Relay, SaysWhereItListensOrWhyNot) {
  const Relay relay(on_loopback);
  EXPECT_TRUE(relay.address().starts_with("tcp://127.0.0.1:")) << relay.address();
  EXPECT_NE(port_of(relay.address()), 0);
  EXPECT_THROW(Relay({.listen = relay.address()}), BackendUnavailable);
  EXPECT_THROW(Relay({.listen = "tcp://no.such.host.invalid:1"}), BackendUnavailable);
  EXPECT_THROW(Relay({.listen = "ipc:///tmp/relay"}), std::invalid_argument);
  EXPECT_THROW(Relay({.listen = "127.0.0.1:80"}), std::invalid_argument);
  const Relay everywhere({.listen = "tcp://*:*"});
  EXPECT_TRUE(everywhere.address().starts_with("tcp://*:")) << everywhere.address();
}

TEST(Relay, ConnectsToWhatItWasToldOfAndToNothingElse) {
  const Relay target(on_loopback);  // something that listens
  const int port = port_of(target.address());
  Relay relay(on_loopback);
  EXPECT_EQ(Dialogue(relay).ask(request_for(port)), 2);
  relay.allow({"ipc:///tmp/of-no-use", "tcp://no-port", "tcp://h:", "tcp://h:99999999999",
               target.address()});
  EXPECT_EQ(Dialogue(relay).ask(request_for(port)), 0);
  EXPECT_EQ(Dialogue(relay).ask(request_for(port + 1)), 2);
  EXPECT_EQ(Dialogue(relay).ask(request_for_name("localhost", port)), 2);
  relay.allow({"tcp://LocalHost:" + std::to_string(port)});
  EXPECT_EQ(Dialogue(relay).ask(request_for_name("localhost", port)), 0);
  EXPECT_EQ(Dialogue(relay).ask(request_for(port)), 2);
  relay.allow({});
  EXPECT_EQ(Dialogue(relay).ask(request_for_name("localhost", port)), 2);
  while (relay.counters().made != 2 || relay.counters().refused != 5) std::this_thread::yield();
}

TEST(Relay, PassesOnWhatBothEndsSay) {
  const Relay target(on_loopback);
  Relay relay(on_loopback);
  relay.allow({target.address()});
  Dialogue dialogue(relay);
  ASSERT_EQ(dialogue.ask(request_for(port_of(target.address()))), 0);
  // Behind it is a relay again, which answers as such, and closes when it hears nonsense.
  dialogue.say({5, 1, 0});
  EXPECT_EQ(dialogue.hear(2), (Bytes{5, 0}));
  dialogue.say({1, 1, 1, 1});
  EXPECT_EQ(dialogue.hear(1), Bytes{});
  EXPECT_GE(relay.counters().bytes, 7u);
}

TEST(Relay, AnswersWhatItCannotDo) {
  std::string gone;
  {
    const Relay target(on_loopback);
    gone = target.address();
  }
  Relay relay(on_loopback);
  relay.allow({gone, "tcp://no.such.host.invalid:5"});
  EXPECT_EQ(Dialogue(relay).ask(request_for(port_of(gone))), 4);
  EXPECT_EQ(Dialogue(relay).ask(request_for_name("no.such.host.invalid", 5)), 4);
  EXPECT_EQ(Dialogue(relay).ask(request_for(port_of(gone), 2)), 7);
  EXPECT_EQ(Dialogue(relay).ask({5, 1, 0, 9, 0, 0, 0, 0, 0, 0}), 8);
  Dialogue with_password(relay);
  with_password.say({5, 1, 2});
  EXPECT_EQ(with_password.hear(3), (Bytes{5, 0xff}));
  Dialogue web(relay);
  web.say({'G', 'E', 'T', ' ', '/'});
  EXPECT_EQ(web.hear(1), Bytes{});
}

TEST(Relay, DoesNotWaitForThoseWhoSayNothing) {
  const Relay relay({.listen = "tcp://127.0.0.1:*", .greeting_limit = 50ms});
  Dialogue silent(relay), begun(relay);
  begun.say({5, 1, 0});
  EXPECT_EQ(begun.hear(3), (Bytes{5, 0}));
  EXPECT_EQ(silent.hear(1), Bytes{});
}

TEST(Relay, TurnsAwayMoreThanItsLimit) {
  const Relay relay({.listen = "tcp://127.0.0.1:*", .most_connections = 1});
  Dialogue first(relay);
  first.say({5, 1, 0});
  EXPECT_EQ(first.hear(2), (Bytes{5, 0}));
  EXPECT_EQ(Dialogue(relay).hear(1), Bytes{});
}

// A node that closes direct connections, as a wall before it does.
struct WalledNode {
  WalledNode() : node(1, true, make_key_pair()), wall((node.start(), node->address())) {
    wall.let_in([this] { return relay.counters().connections != 0; });
    address = node.node();
    address.data_address = wall.address();
    relay.allow({wall.address()});
  }
  Relay relay{on_loopback};
  Peer node;
  CutProxy wall;
  NodeAddress address;
};

TEST(Relay, BringsObjectsOfNodesThatCannotBeReached) {
  WalledNode walled;
  Peer client(2, false, make_key_pair());
  client.options.relay_after = 100ms;
  client.start()->use_relay(walled.relay.address());
  client->dial(walled.address);
  const Object down(5 * mebibyte, 1), up(7 * mebibyte, 2);
  walled.node.offer(down);
  client.offer(up);
  Fetched came = client.fetch(down.id(), {1});
  expect_arrived(came, down);
  Fetched went = walled.node.fetch(up.id(), {2});
  expect_arrived(went, up);
  EXPECT_GT(walled.relay.counters().bytes, 12 * mebibyte);
}

TEST(Relay, MayEndAndComeBack) {
  WalledNode walled;
  std::string address;
  {
    const Relay first(on_loopback);
    address = first.address();
  }
  Peer client(2, false, make_key_pair());
  client.options.relay_after = 50ms;
  client.start()->use_relay(address);
  client->dial(walled.address);
  const Object object(mebibyte);
  walled.node.offer(object);
  Fetched came = client.fetch(object.id(), {1});
  client->use_relay(walled.relay.address());
  expect_arrived(came, object);
}

TEST(Relay, IsSaidToBeMissingWhereItIs) {
  WalledNode walled;
  struct Told {
    detail::Event event;
    detail::Guarded<std::string> text;
    std::atomic<int> times{0};
  } told;
  Peer client(2, false, make_key_pair());
  client.options.unreachable_after = 100ms;
  client.start();
  client->on_unreachable([&](PeerId peer, const std::string& why) {
    EXPECT_EQ(peer, 1u);
    told.text.with([&](std::string& text) { text = why; });
    told.times.fetch_add(1);
    told.event.notify();
  });
  client->dial(walled.address);
  told.event.wait([&] { return told.times.load() >= 2; });
  const std::string why = told.text.with([](std::string& text) { return text; });
  EXPECT_NE(why.find("--relay-listen"), std::string::npos) << why;
  EXPECT_NE(why.find(walled.wall.address()), std::string::npos) << why;
}

// A node that is lost cannot be reached either: that is found out by others, who say so.
TEST(Relay, IsNotSaidToBeMissingBeforeNodesCountAsLost) {
  WalledNode walled;
  detail::Event event;
  std::atomic<int> patient_told{0}, other_told{0};
  Peer patient(2, false, make_key_pair()), other(3, false, make_key_pair());
  for (const auto& [peer, told] : {std::pair(&patient, &patient_told), {&other, &other_told}}) {
    peer->options.unreachable_after = 100ms;
    peer->start();
    (*peer)->on_unreachable([&event, told = told](PeerId, const std::string&) {
      told->fetch_add(1);
      event.notify();
    });
  }
  patient->wait_for_losses(std::chrono::hours(1));
  patient->dial(walled.address);
  other->dial(walled.address);
  event.wait([&] { return other_told.load() >= 3; });
  EXPECT_EQ(patient_told.load(), 0);
}

}  // namespace
}  // namespace paracord::cluster::test
