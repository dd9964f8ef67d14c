#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <tuple>

#include "paracord/cache/store_backend.h"

namespace paracord::testkit {

/// A store in this process's memory: for tests that want no files, and an example of what a
/// StoreBackend has to do. One that many processes share keeps the same promises between them.
///
/// Example: register_store_backend("in_memory", &InMemoryStore::make);
class InMemoryStore final : public StoreBackend {
 public:
  static std::shared_ptr<StoreBackend> make(const StoreOptions& options);

  std::unique_ptr<StoredItem> open(const ItemName& name) override;
  bool contains(const ItemName& name) override;
  std::unique_ptr<Reservation> reserve(const ItemName& name) override;
  void erase(const ItemName& name) override;
  std::vector<ItemInfo> items() override;
  void clear(const std::string& function) override;
  void clear_all() override;
  std::string describe(const ItemName& name) const override;

 private:
  class OpenItem;
  class HeldReservation;
  struct Item {
    std::shared_ptr<const std::string> bytes;  // also of those who read it
    std::chrono::system_clock::time_point last_used;
  };
  using Key = std::tuple<std::string, Digest>;
  static Key key_of(const ItemName& name) { return {name.function, name.key}; }
  std::chrono::system_clock::time_point next_use();

  std::mutex mutex_;  // guards all below
  std::condition_variable released_;
  std::map<Key, Item> items_;
  std::set<Key> reserved_;
  std::chrono::system_clock::time_point last_use_{};
};

}  // namespace paracord::testkit
