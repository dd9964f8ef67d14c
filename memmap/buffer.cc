#include "paracord/memmap/buffer.h"

#include <map>
#include <mutex>
#include <new>
#include <shared_mutex>

namespace paracord::detail {
namespace {
struct Table {
  std::shared_mutex mutex;
  std::map<const std::byte*, std::weak_ptr<Buffer>> buffers;
};
Table& table() {
  static auto& t = *new Table;
  return t;
}
struct Heap final : Buffer {
  ~Heap() override { ::operator delete(data, std::align_val_t(64)); }
};
Allocate current = nullptr;
}  // namespace
std::optional<MappedPlace> find_mapped(const void* data, std::size_t bytes) {
  const auto* p = static_cast<const std::byte*>(data);
  Table& t = table();
  std::shared_lock hold(t.mutex);
  auto it = t.buffers.upper_bound(p);
  if (it == t.buffers.begin()) return std::nullopt;
  auto b = std::prev(it)->second.lock();
  if (!b || p + bytes > b->data + b->bytes) return std::nullopt;
  return MappedPlace{b->fd, b->offset + static_cast<std::uint64_t>(p - b->data),
                     b->writable && b->shared, b};
}
void register_mapped(const std::shared_ptr<Buffer>& b) {
  Table& t = table();
  std::unique_lock hold(t.mutex);
  t.buffers[b->data] = b;
}
void forget_mapped(const Buffer& b) {
  Table& t = table();
  std::unique_lock hold(t.mutex);
  t.buffers.erase(b.data);
}
std::shared_ptr<Buffer> allocate_on_heap(std::size_t n) {
  auto b = std::make_shared<Heap>();
  b->data = static_cast<std::byte*>(::operator new(n, std::align_val_t(64)));
  b->bytes = n;
  return b;
}
std::shared_ptr<Buffer> allocate_buffer(std::size_t n) {
  return current ? current(n) : allocate_on_heap(n);
}
void set_allocator(Allocate a) {
  current = a;
}
}  // namespace paracord::detail
