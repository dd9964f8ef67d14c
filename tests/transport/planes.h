#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "paracord/core/event.h"
#include "paracord/core/guarded.h"
#include "paracord/transport/data_plane.h"

/// Objects and planes for tests of the data plane.
namespace paracord::cluster::test {

/// Some bytes, and their table.
struct Object {
  explicit Object(std::size_t bytes, unsigned seed = 1)
      : content(std::make_shared<std::vector<std::byte>>(bytes)) {
    std::uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
    for (std::byte& byte : *content) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      byte = static_cast<std::byte>(state >> 56);
    }
    table = name_object(*content);
  }
  const ObjectId& id() const { return table->id; }
  std::shared_ptr<std::vector<std::byte>> content;
  std::shared_ptr<const ObjectTable> table;
};

/// What a fetch has come to; wait() for it.
class Fetched {
 public:
  explicit Fetched(const ObjectId& object)
      : memory(std::make_shared<std::vector<std::byte>>(object.bytes)) {}
  DataPlane::OnFetched teller() {
    return [shared = shared_](Status status, std::shared_ptr<const ObjectTable> table) {
      shared->status = std::move(status);
      shared->table = std::move(table);
      shared->told.fetch_add(1);
      shared->event.notify();
    };
  }
  const Status& wait() {
    shared_->event.wait([&] { return shared_->told.load() != 0; });
    return shared_->status;
  }
  bool is_told() const { return shared_->told.load() != 0; }
  std::shared_ptr<const ObjectTable> table() const { return shared_->table; }

  DataPlane::Destination destination() const { return {memory->data(), memory, nullptr}; }
  const std::shared_ptr<std::vector<std::byte>> memory;

 private:
  struct Shared {
    Status status;
    std::shared_ptr<const ObjectTable> table;
    std::atomic<int> told{0};
    detail::Event event;
  };
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

struct Peer {
  explicit Peer(PeerId id, bool listens = true, KeyPair keys = {}) {
    options.self = id;
    options.keys = std::move(keys);
    if (listens) options.listen = "tcp://127.0.0.1:*";
  }
  Peer& start() {
    plane = std::make_unique<DataPlane>(options);
    return *this;
  }
  DataPlane* operator->() { return plane.get(); }
  NodeAddress node() const {
    return {options.self, "node" + std::to_string(options.self), plane->address(),
            options.keys.public_key};
  }
  void offer(const Object& object) {
    plane->offer(object.table, object.content->data(), object.content);
  }
  Fetched fetch(const ObjectId& object, std::vector<PeerId> sources) {
    Fetched fetched(object);
    plane->fetch(object, fetched.destination(), std::move(sources), fetched.teller());
    return fetched;
  }
  DataPlane::Options options;
  std::unique_ptr<DataPlane> plane;
};

inline void expect_arrived(Fetched& fetched, const Object& object) {
  const Status status = fetched.wait();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(fetched.table()->chunks, object.table->chunks);
  EXPECT_TRUE(*fetched.memory == *object.content);
}

inline constexpr std::size_t mebibyte = std::size_t{1} << 20;

}  // namespace paracord::cluster::test
