// Files of other processes: what is opened, and what is not.

#include "paracord/transport/neighbours.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "paracord/tests/transport/planes.h"

namespace paracord::cluster::test {
namespace {

/// A file in memory, with this text.
class MemoryFile {
 public:
  explicit MemoryFile(const std::string& text) : fd_(memfd_create("test", MFD_CLOEXEC)) {
    EXPECT_EQ(write(fd_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  MemoryFile(const MemoryFile&) = delete;
  ~MemoryFile() { close(fd_); }
  int fd() const { return fd_; }

 private:
  int fd_;
};

TEST(Neighbours, AreKnownByWhatStandsInTheirFiles) {
  const Landmark landmark;
  const Whereabouts about = landmark.about();
  EXPECT_EQ(about.process, getpid());
  EXPECT_TRUE(shares_memory(about));
  // Another process of this machine sees it, too.
  const int child = fork();
  if (child == 0) _exit(shares_memory(about) ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  Whereabouts wrong = about;
  wrong.nonce[1] ^= 1;
  EXPECT_FALSE(shares_memory(wrong));
  EXPECT_FALSE(shares_memory({about.process, about.fd + 1000, about.nonce}));
  EXPECT_FALSE(shares_memory({1 << 30, about.fd, about.nonce}));
  EXPECT_FALSE(shares_memory({}));
  EXPECT_FALSE(shares_memory({-1, -1, {}}));
}

TEST(Neighbours, DoNotWaitForPipes) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  EXPECT_FALSE(shares_memory({getpid(), ends[0], {}}));
  EXPECT_EQ(place_in(ends[0], 0).fd, -1);
  EXPECT_FALSE(open_file(getpid(), {ends[0], 0, 0, 0}, 0));
  close(ends[0]);
  close(ends[1]);
}

TEST(Neighbours, OpenTheFileThatIsMeantAndNoOther) {
  const MemoryFile file("0123456789"), other("0123456789");
  const FilePlace place = place_in(file.fd(), 4);
  ASSERT_EQ(place.fd, file.fd());
  const auto opened = open_file(getpid(), place, 6);
  ASSERT_TRUE(opened);
  char text[6];
  EXPECT_EQ(pread(*opened->fd, text, sizeof text, static_cast<off_t>(opened->offset)), 6);
  EXPECT_EQ(std::string(text, 6), "456789");
  EXPECT_EQ(write(*opened->fd, text, 1), -1);  // to be read alone
  EXPECT_FALSE(open_file(getpid(), place, 7));
  EXPECT_FALSE(open_file(getpid(), {place.fd, 11, place.device, place.inode}, 0));
  EXPECT_FALSE(open_file(getpid(), {place.fd, ~0ull, place.device, place.inode}, 1));
  // Its number means another file by now.
  EXPECT_FALSE(open_file(getpid(), {other.fd(), 4, place.device, place.inode}, 6));
  EXPECT_FALSE(open_file(0, place, 6));
}

/// What find_file() says.
std::optional<NeighbourFile> found(Peer& peer, const ObjectId& object, PeerId at) {
  struct Told {
    detail::Event event;
    std::atomic<bool> is{false};
    std::optional<NeighbourFile> file;
  };
  const auto told = std::make_shared<Told>();
  peer->find_file(object, at, [told](std::optional<NeighbourFile> file) {
    told->file = std::move(file);
    told->is.store(true);
    told->event.notify();
  });
  told->event.wait([&] { return told->is.load(); });
  return told->file;
}

// Before it is, a search may end without an answer.
void expect_connected(Peer& node, Peer& client) {
  const Object small(8, 7);
  client.offer(small);
  Fetched fetched = node.fetch(small.id(), {client.options.self});
  expect_arrived(fetched, small);
}

TEST(Neighbours, TellEachOtherWhereObjectsLie) {
  Peer client(1, false), node(2);
  node.start();
  client.start()->dial(node.node());
  const std::string text(3 * mebibyte, 'x');
  const MemoryFile file(text);
  const auto table = name_object(std::as_bytes(std::span(text)));
  client->offer(table, reinterpret_cast<const std::byte*>(text.data()), nullptr,
                place_in(file.fd(), 0));
  expect_connected(node, client);
  const auto there = found(node, table->id, 1);
  ASSERT_TRUE(there);
  char letter = 0;
  EXPECT_EQ(pread(*there->fd, &letter, 1, static_cast<off_t>(text.size()) - 1), 1);
  EXPECT_EQ(letter, 'x');
  const Object elsewhere(mebibyte);
  client.offer(elsewhere);
  EXPECT_FALSE(found(node, elsewhere.id(), 1));
  client->withdraw(table->id);
  EXPECT_FALSE(found(node, table->id, 1));
  EXPECT_FALSE(found(node, table->id, 99));
}

// The answers to all of them do not fit into a connection's queue at once.
TEST(Neighbours, AreAskedAboutManyObjects) {
  Peer client(1, false), node(2);
  node.options.longest_search = std::chrono::minutes(5);  // however busy this machine is
  node.start();
  client.start()->dial(node.node());
  constexpr std::size_t count = 10'000, bytes = 8;
  std::string text;
  for (std::size_t i = 0; i != count; ++i) text += std::to_string(10'000'000 + i);
  const MemoryFile file(text);
  std::vector<ObjectId> objects;
  for (std::size_t at = 0; at != text.size(); at += bytes) {
    const auto table = name_object(std::as_bytes(std::span(text).subspan(at, bytes)));
    client->offer(table, reinterpret_cast<const std::byte*>(text.data() + at), nullptr,
                  place_in(file.fd(), at));
    objects.push_back(table->id);
  }
  expect_connected(node, client);
  std::atomic<std::size_t> told{0}, there{0};
  detail::Event event;
  for (const ObjectId& object : objects) {
    node->find_file(object, 1, [&](const std::optional<NeighbourFile>& found) {
      if (found) ++there;
      ++told;
      event.notify();
    });
  }
  event.wait([&] { return told.load() == count; });
  EXPECT_EQ(there, count);
  EXPECT_FALSE(found(node, Object(8, 9).id(), 1));
}

TEST(Neighbours, AreNoneWhereEitherEndSaysSo) {
  for (const bool client_shares : {true, false}) {
    Peer client(1, false), node(2);
    client.options.shares_memory = client_shares;
    node.options.shares_memory = !client_shares;
    node.start();
    client.start()->dial(node.node());
    const std::string text(mebibyte, 'x');
    const MemoryFile file(text);
    const auto table = name_object(std::as_bytes(std::span(text)));
    client->offer(table, reinterpret_cast<const std::byte*>(text.data()), nullptr,
                  place_in(file.fd(), 0));
    expect_connected(node, client);
    EXPECT_FALSE(found(node, table->id, 1));
  }
}

}  // namespace
}  // namespace paracord::cluster::test
