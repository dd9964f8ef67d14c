#include "paracord/testkit/in_memory_store.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace paracord::testkit {

class InMemoryStore::OpenItem final : public StoredItem {
 public:
  explicit OpenItem(std::shared_ptr<const std::string> bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t bytes() const override { return bytes_->size(); }
  std::size_t read_some(void* data, std::size_t bytes) override {
    const std::size_t got = std::min(bytes, bytes_->size() - next_);
    std::memcpy(data, bytes_->data() + next_, got);
    next_ += got;
    return got;
  }

 private:
  const std::shared_ptr<const std::string> bytes_;  // stays when the item is erased
  std::size_t next_ = 0;
};

class InMemoryStore::HeldReservation final : public Reservation {
 public:
  HeldReservation(InMemoryStore& store, Key key) : store_(store), key_(std::move(key)) {}
  ~HeldReservation() override {
    const std::lock_guard lock(store_.mutex_);
    store_.reserved_.erase(key_);
    store_.released_.notify_all();
  }
  void write(const void* data, std::size_t bytes) override {
    made_.append(static_cast<const char*>(data), bytes);
  }
  void overwrite_start(const void* data, std::size_t bytes) override {
    made_.replace(0, bytes, static_cast<const char*>(data), bytes);
  }
  void publish() override {
    const std::lock_guard lock(store_.mutex_);
    store_.items_[key_] = {std::make_shared<const std::string>(std::move(made_)),
                           store_.next_use()};
  }

 private:
  InMemoryStore& store_;
  const Key key_;
  std::string made_;
};

std::shared_ptr<StoreBackend> InMemoryStore::make(const StoreOptions&) {
  return std::make_shared<InMemoryStore>();
}

// Later than the one before, though the clock may stand.
std::chrono::system_clock::time_point InMemoryStore::next_use() {
  last_use_ = std::max(std::chrono::system_clock::now(),
                       last_use_ + std::chrono::system_clock::duration(1));
  return last_use_;
}

std::unique_ptr<StoredItem> InMemoryStore::open(const ItemName& name) {
  const std::lock_guard lock(mutex_);
  const auto found = items_.find(key_of(name));
  if (found == items_.end()) return nullptr;
  found->second.last_used = next_use();
  return std::make_unique<OpenItem>(found->second.bytes);
}

bool InMemoryStore::contains(const ItemName& name) {
  const std::lock_guard lock(mutex_);
  return items_.contains(key_of(name));
}

std::unique_ptr<Reservation> InMemoryStore::reserve(const ItemName& name) {
  std::unique_lock lock(mutex_);
  released_.wait(lock, [&] { return !reserved_.contains(key_of(name)); });
  reserved_.insert(key_of(name));
  return std::make_unique<HeldReservation>(*this, key_of(name));
}

void InMemoryStore::erase(const ItemName& name) {
  const std::lock_guard lock(mutex_);
  items_.erase(key_of(name));
}

std::vector<ItemInfo> InMemoryStore::items() {
  const std::lock_guard lock(mutex_);
  std::vector<ItemInfo> all;
  for (const auto& [key, item] : items_)
    all.push_back({{std::get<0>(key), std::get<1>(key)}, item.bytes->size(), item.last_used});
  return all;
}

void InMemoryStore::clear(const std::string& function) {
  const std::lock_guard lock(mutex_);
  std::erase_if(items_, [&](const auto& item) { return std::get<0>(item.first) == function; });
}

void InMemoryStore::clear_all() {
  const std::lock_guard lock(mutex_);
  items_.clear();
}

std::string InMemoryStore::describe(const ItemName& name) const {
  return "memory/" + name.function + "/" + name.key.to_string();
}

}  // namespace paracord::testkit
