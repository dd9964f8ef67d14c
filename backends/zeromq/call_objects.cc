#include "paracord/backends/zeromq/call_objects.h"

#include <algorithm>

#include "paracord/memmap/buffer.h"
#include "paracord/transport/object_name.h"

namespace paracord::cluster {

namespace {

// Where nodes of this machine find it, to read. None for memory that may change: those who look at
// it there would see other values.
FilePlace place_of(detail::Buffer& buffer, std::uint64_t skipped) {
  if (!buffer.frozen && buffer.writable) return {};
  if (buffer.fd >= 0) return place_in(buffer.fd, buffer.offset + skipped);
  return buffer.twin.with([&](const detail::Buffer::Twin& twin) {
    return twin.owner == nullptr ? FilePlace{} : place_in(twin.fd, twin.offset + skipped);
  });
}

}  // namespace

void CallObjects::offer(State& state, const std::shared_ptr<const ObjectTable>& table,
                        const std::byte* data, std::shared_ptr<const void> owner,
                        const FilePlace& place) {
  if (!state.offered.contains(table->id))
    state.offered.emplace(table->id, offers_.add(table, data, std::move(owner), place));
}

// Under the lock: whoever comes second waits for the first one's reading in place of doing it.
CallObjects::Named CallObjects::name(const void* data, std::size_t bytes,
                                     const std::shared_ptr<const void>* owner) {
  const auto held = detail::find_buffer(data, bytes);
  if (held && held->buffer->frozen) {
    detail::Buffer& buffer = *held->buffer;
    const auto table = buffer.name.with([&](std::shared_ptr<const void>& name) {
      if (name == nullptr) name = name_object({buffer.data, buffer.bytes});
      return std::static_pointer_cast<const ObjectTable>(name);
    });
    state_.with(
        [&](State& state) { offer(state, table, buffer.data, held->buffer, place_of(buffer, 0)); });
    return {table->id, held->skipped};
  }
  return state_.with([&](State& state) -> Named {
    if (held && state.written.contains(held->buffer.get()))
      return name_copy(state, data, bytes, *held);
    const Key key{data, bytes};
    const auto found = state.known.find(key);
    if (found != state.known.end()) {
      const Known& known = found->second;
      if (!known.owned || (owner != nullptr && known.owner.lock() == *owner))
        return {known.object, 0};
    }
    const auto table = name_object({static_cast<const std::byte*>(data), bytes});
    std::shared_ptr<const void> kept = owner != nullptr ? *owner : nullptr;
    if (kept == nullptr && held) kept = held->buffer;
    Known known{table->id, {}, owner != nullptr};
    if (owner != nullptr) known.owner = *owner;
    state.known.insert_or_assign(key, known);
    offer(state, table, static_cast<const std::byte*>(data), std::move(kept),
          held ? place_of(*held->buffer, held->skipped) : FilePlace{});
    return {table->id, 0};
  });
}

CallObjects::Named CallObjects::name_written(const void* data, std::size_t bytes,
                                             const detail::HeldMemory& held) {
  // Go behind the lock, and before anybody writes: it may take a while until none is read any more.
  std::vector<Offers::Offer> former;
  return state_.with([&](State& state) {
    if (state.written.insert(held.buffer.get()).second)
      former = copy_what_is_read(state, *held.buffer);
    return name_copy(state, data, bytes, held);
  });
}

// What of the buffer is offered where it lies is offered from copies. Returns the former offers.
std::vector<Offers::Offer> CallObjects::copy_what_is_read(State& state,
                                                          const detail::Buffer& buffer) {
  std::vector<Offers::Offer> former;
  for (const auto& [key, known] : state.known) {
    const auto* data = static_cast<const std::byte*>(key.first);
    if (data < buffer.data || data >= buffer.data + buffer.bytes) continue;
    const auto made = detail::allocate_on_heap(key.second);
    std::copy_n(data, key.second, made->data);
    const auto table = name_object({made->data, key.second});
    // If it has changed already, whoever fetches it says so.
    if (table->id != known.object) continue;
    Offers::Offer& offer = state.offered.at(known.object);
    former.push_back(std::move(offer));
    offer = offers_.add(table, made->data, made);
  }
  return former;
}

CallObjects::Named CallObjects::name_copy(State& state, const void* data, std::size_t bytes,
                                          const detail::HeldMemory& held) {
  const detail::Buffer& buffer = *held.buffer;
  const bool all = bytes > buffer.bytes / 2 || buffer.bytes <= chunk_bytes;
  const Key key = all ? Key{buffer.data, buffer.bytes} : Key{data, bytes};
  const std::uint64_t offset = all ? held.skipped : 0;
  const auto found = state.copies.find(key);
  if (found != state.copies.end()) return {found->second.object, offset};
  return {state.copies.emplace(key, copy(state, key, held)).first->second.object, offset};
}

// The copy is named, not the memory: tasks may be writing to that where it lies.
CallObjects::Copied CallObjects::copy(State& state, const Key& key,
                                      const detail::HeldMemory& held) {
  const auto* data = static_cast<const std::byte*>(key.first);
  const auto made = detail::allocate_on_heap(key.second);
  std::copy_n(data, key.second, made->data);
  const auto table = name_object({made->data, key.second});
  offer(state, table, made->data, made);
  const detail::Buffer& buffer = *held.buffer;
  const auto skipped = static_cast<std::uint64_t>(data - buffer.data);
  const FilePlace place = in_place_ ? place_in(buffer.fd, buffer.offset + skipped) : FilePlace{};
  if (place.fd >= 0) {
    const auto memory = std::make_shared<ObjectTable>();
    memory->id = name_of_memory(table->id, reinterpret_cast<std::uint64_t>(data));
    offer(state, memory, data, held.buffer, place);
  }
  return {table->id, state.copies.size(), made, held.buffer};
}

const std::byte* CallObjects::given(std::uint64_t address, std::uint64_t bytes) {
  return state_.with([&](State& state) {
    const std::byte* given = nullptr;
    std::size_t oldest = state.copies.size();
    for (const auto& [key, copy] : state.copies) {
      const auto begin = reinterpret_cast<std::uint64_t>(key.first);
      if (address < begin || bytes > key.second || address - begin > key.second - bytes) continue;
      if (copy.number >= oldest) continue;
      oldest = copy.number;
      given = copy.bytes->data + (address - begin);
    }
    return given;
  });
}

Offers::Offer CallObjects::offer_payload(std::shared_ptr<const std::string> payload) {
  const auto* data = reinterpret_cast<const std::byte*>(payload->data());
  const auto table = name_object({data, payload->size()});
  return offers_.add(table, data, payload);
}

bool CallObjects::has(const ObjectId& object) {
  return state_.with([&](State& state) { return state.offered.contains(object); });
}

void CallObjects::clear() {
  std::map<Key, Copied> copies;
  const auto offered = state_.with([&](State& state) {
    state.known.clear();
    state.written.clear();
    copies.swap(state.copies);
    return std::exchange(state.offered, {});
  });
}

Encoder& BatchEncoder::begin_task() {
  while (out_.size() % sizeof(std::uint64_t) != 0) out_.put(std::byte{0});
  begin_ = out_.size();
  references_before_ = contents_.references.size();
  writable_before_ = writable_.size();
  return out_;
}

void BatchEncoder::end_task(bool written) {
  if (written) {
    contents_.tasks.push_back({begin_, out_.size() - begin_});
    return;
  }
  out_.truncate(begin_);
  contents_.references.resize(references_before_);
  writable_.resize(writable_before_);
}

std::uint32_t BatchEncoder::number_of(const ObjectId& object) {
  const auto found = std::find(needs_.begin(), needs_.end(), object);
  if (found != needs_.end()) return static_cast<std::uint32_t>(found - needs_.begin());
  needs_.push_back(object);
  return static_cast<std::uint32_t>(needs_.size() - 1);
}

bool BatchEncoder::send(Encoder& out, const void* data, std::size_t bytes, MemoryAccess access,
                        const std::shared_ptr<const void>* owner) {
  if (bytes == 0) return false;
  const bool writes = access != MemoryAccess::read_only;
  if (!writes && bytes <= max_nbytes_) return false;
  const std::size_t head = out.size() - Encoder::reference_head;
  CallObjects::Named named;
  if (writes) {
    const auto held = detail::find_buffer(data, bytes);
    if (!held) return false;  // the message refuses it
    if (!held->is_writable()) {
      detail::refuse_to_encode(
          "a mutable view of memory that is mapped read-only or copy-on-write, or of a frozen "
          "array, cannot travel: what the task writes would not reach the caller; map the file "
          "with MmapMode::read_write, or take a const view");
    }
    writable_.push_back({reinterpret_cast<std::uint64_t>(data), bytes});
    named = objects_.name_written(data, bytes, *held);
  } else {
    named = objects_.name(data, bytes, owner);
  }
  ReferencePlace reference;
  reference.task = static_cast<std::uint32_t>(contents_.tasks.size());
  reference.access = access;
  reference.place = head - begin_;
  reference.object = number_of(named.object);
  reference.offset = named.offset;
  reference.bytes = bytes;
  reference.address = reinterpret_cast<std::uint64_t>(data);
  contents_.references.push_back(reference);
  out.put(reference.object);
  out.put(reference.offset);
  if (writes) out.put(reference.address);
  return true;
}

// It stays in the message, which goes through the data plane where it is large.
bool BatchEncoder::send_copy(Encoder&, const void*, std::size_t) {
  return false;
}

}  // namespace paracord::cluster
