#include "paracord/memmap/drafts.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "paracord/core/errors.h"
#include "paracord/memmap/buffer.h"
#include "paracord/memmap/changed_bytes.h"

namespace paracord::detail {

struct Drafts::Draft {
  Draft(std::uint64_t place, const Original& original, std::size_t written_as_one,
        Originals originals)
      : address(place), bytes(original.bytes), unit(written_as_one) {
    originals == Originals::stay ? map(original) : copy(original);
  }
  Draft(const Draft&) = delete;
  ~Draft() {
    if (mapping != nullptr) munmap(mapping, mapped);
  }

  // A page is copied when it is first written to.
  void map(const Original& original) {
    static const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    const auto skipped = static_cast<std::size_t>(original.offset % page);
    mapped = skipped + bytes;
    void* made = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE,
                      original.fd, static_cast<off_t>(original.offset - skipped));
    if (made == MAP_FAILED) {
      throw BackendUnavailable(
          "a private copy of " + std::to_string(bytes) +
          " bytes that a task writes to cannot be mapped: " + std::strerror(errno));
    }
    mapping = made;
    now = static_cast<std::byte*>(made) + skipped;
    before = original.data;
  }
  void copy(const Original& original) {
    copies = {allocate_on_heap(bytes), allocate_on_heap(bytes)};
    now = copies[0]->data;
    before = copies[1]->data;
    std::memcpy(now, original.data, bytes);
    std::memcpy(copies[1]->data, now, bytes);
  }
  std::vector<ByteRange> written() const {
    if (mapping == nullptr) return {{0, bytes}};
    return written_pages(now, bytes);
  }
  bool holds(std::uint64_t place, std::size_t count) const {
    return place >= address && count <= bytes && place - address <= bytes - count;
  }

  const std::uint64_t address;
  const std::size_t bytes;
  std::size_t unit;
  std::byte* now = nullptr;
  const std::byte* before = nullptr;
  void* mapping = nullptr;
  std::size_t mapped = 0;
  std::array<std::shared_ptr<Buffer>, 2> copies;
};

Drafts::Drafts(Originals originals) : originals_(originals) {}

Drafts::~Drafts() = default;

void Drafts::clear() {
  drafts_.clear();
}

void* Drafts::add(std::uint64_t address, const Original& original, std::size_t unit) {
  const auto found = std::find_if(drafts_.begin(), drafts_.end(), [&](const auto& draft) {
    return draft->holds(address, original.bytes);
  });
  if (found != drafts_.end()) {
    (*found)->unit = std::min((*found)->unit, unit);
    return (*found)->now + (address - (*found)->address);
  }
  drafts_.push_back(std::make_unique<Draft>(address, original, unit, originals_));
  return drafts_.back()->now;
}

void Drafts::encode(Encoder& out) const {
  const std::size_t count_at = out.size();
  std::uint64_t runs = 0;
  out.put(runs);
  for (const auto& draft : drafts_) {
    runs += encode_changes(out, draft->address, {draft->now, draft->before, draft->bytes},
                           draft->unit, draft->written());
  }
  out.overwrite(count_at, runs);
}

}  // namespace paracord::detail
