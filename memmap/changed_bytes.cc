#include "paracord/memmap/changed_bytes.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "paracord/core/huge_pages.h"

namespace paracord::detail {

namespace {

constexpr std::size_t block = 64;     // as many bytes as a mask has bits
constexpr std::size_t entries = 512;  // of the page map, read at once

static_assert(std::endian::native == std::endian::little, "a mask's lowest bit is the first byte");

// Bit i: byte i is not 0.
std::uint64_t nonzero_bytes(std::uint64_t word) {
  constexpr std::uint64_t low = 0x7f7f7f7f7f7f7f7f;
  const std::uint64_t high_bits = (((word & low) + low) | word) & ~low;
  return ((high_bits >> 7) * 0x0102040810204080) >> 56;
}

using Block = std::array<std::uint64_t, block / sizeof(std::uint64_t)>;

// Of less than a block, the rest is 0.
Block block_at(const std::byte* data, std::size_t bytes) {
  Block words{};
  std::memcpy(words.data(), data, bytes);
  return words;
}

std::uint64_t mask_of(const Block& now, const Block& before) {
  std::uint64_t mask = 0;
  for (std::size_t i = 0; i != now.size(); ++i)
    mask |= nonzero_bytes(now[i] ^ before[i]) << (8 * i);
  return mask;
}

// All bits of each `unit` of which one is set.
std::uint64_t whole_units(std::uint64_t mask, std::size_t unit) {
  if (unit == 1 || mask == 0 || mask == ~std::uint64_t{0}) return mask;
  if (unit >= block) return ~std::uint64_t{0};
  for (std::size_t shift = 1; shift < unit; shift *= 2) mask |= mask >> shift;
  const std::uint64_t all_of_one = (std::uint64_t{1} << unit) - 1;
  const std::uint64_t first_of_each = ~std::uint64_t{0} / all_of_one;
  return (mask & first_of_each) * all_of_one;
}

// Calls `each` with the place of each byte that is set.
template <class Each>
void each_byte(std::uint64_t mask, Each each) {
  for (; mask != 0; mask &= mask - 1) each(static_cast<std::size_t>(std::countr_zero(mask)));
}

void put_block(Encoder& out, const Block& now, std::uint64_t mask) {
  out.put(mask);
  if (mask == ~std::uint64_t{0}) return out.write(now.data(), block);
  std::array<std::byte, block> changed;
  std::size_t count = 0;
  each_byte(mask, [&](std::size_t i) {
    std::memcpy(&changed[count++], reinterpret_cast<const std::byte*>(now.data()) + i, 1);
  });
  out.write(changed.data(), count);
}

// From the Linux kernel's pagemap: a page of a private mapping that is there, or in the swap, and
// is not the file's, was written to.
bool was_written(std::uint64_t entry) {
  constexpr std::uint64_t present = std::uint64_t{1} << 63, swapped = std::uint64_t{1} << 62,
                          of_file = std::uint64_t{1} << 61;
  return (entry & (present | swapped)) != 0 && (entry & of_file) == 0;
}

// Runs that are written one block after the other.
class RunWriter {
 public:
  explicit RunWriter(Encoder& out) : out_(out) {}
  ~RunWriter() { end_run(); }
  void add(std::uint64_t address, const Block& now, std::uint64_t mask) {
    if (blocks_ == 0) {
      out_.put(address);
      count_at_ = out_.size();
      out_.put(blocks_);
      ++runs_;
    }
    put_block(out_, now, mask);
    ++blocks_;
  }
  void end_run() {
    if (blocks_ != 0) out_.overwrite(count_at_, blocks_);
    blocks_ = 0;
  }
  std::uint64_t runs() const { return runs_; }

 private:
  Encoder& out_;
  std::uint64_t runs_ = 0, blocks_ = 0;
  std::size_t count_at_ = 0;
};

}  // namespace

std::vector<ByteRange> written_pages(const std::byte* mapping, std::size_t bytes) {
  const std::vector<ByteRange> all{{0, bytes}};
  const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const int map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (map < 0) return all;
  std::vector<ByteRange> written;
  const auto address = reinterpret_cast<std::uintptr_t>(mapping);
  const std::uintptr_t first = address / size;
  const std::size_t pages = (address + bytes + size - 1) / size - first;
  std::array<std::uint64_t, entries> found;
  for (std::size_t done = 0; done != pages;) {
    const std::size_t count = std::min(entries, pages - done);
    const std::size_t length = count * sizeof(std::uint64_t);
    const auto place = static_cast<off_t>((first + done) * sizeof(std::uint64_t));
    if (pread(map, found.data(), length, place) != static_cast<ssize_t>(length)) {
      close(map);
      return all;
    }
    for (std::size_t i = 0; i != count; ++i, ++done) {
      if (!was_written(found[i])) continue;
      const std::uintptr_t begins = std::max((first + done) * size, address) - address;
      const std::uintptr_t ends = std::min((first + done + 1) * size - address, bytes);
      if (!written.empty() && written.back().end == begins) {
        written.back().end = ends;
      } else {
        written.push_back({begins, ends});
      }
    }
  }
  close(map);
  return written;
}

std::uint64_t encode_changes(Encoder& out, std::uint64_t address, const Versions& memory,
                             std::size_t unit, const std::vector<ByteRange>& where) {
  const auto [now, before, bytes] = memory;
  RunWriter runs(out);
  std::size_t done = 0;  // a block may lie in two pages
  for (const ByteRange& range : where) {
    std::size_t at = std::max(done, range.begin / block * block);
    while (at < range.end) {
      if (at + page_bytes <= bytes && std::memcmp(now + at, before + at, page_bytes) == 0) {
        runs.end_run();
        at += page_bytes;
        continue;
      }
      const std::size_t end =
          std::min({at + page_bytes, bytes, (range.end + block - 1) / block * block});
      for (; at < end; at += block) {
        const std::size_t size = std::min(block, bytes - at);
        const Block block_now = block_at(now + at, size);
        const std::uint64_t mask =
            whole_units(mask_of(block_now, block_at(before + at, size)), unit);
        if (mask == 0) {
          runs.end_run();
        } else {
          runs.add(address + at, block_now, mask);
        }
      }
    }
    done = at;
    runs.end_run();
  }
  return runs.runs();
}

ChangedRun::ChangedRun(Decoder& in)
    : address_(in.get<std::uint64_t>()), blocks_(in.get<std::uint64_t>()), in_(in) {
  if (blocks_ == 0) refuse_message("it says that something was written, and not what");
  for (std::uint64_t i = 0; i != blocks_; ++i) {
    const auto mask = in.get<std::uint64_t>();
    if (mask == 0) refuse_message("it says that something was written, and not what");
    (void)in.take(static_cast<std::size_t>(std::popcount(mask)));
    if (i == 0) first_ = static_cast<std::uint64_t>(std::countr_zero(mask));
    last_ = i * block + block - 1 - static_cast<std::uint64_t>(std::countl_zero(mask));
  }
}

void ChangedRun::each_conflict(const std::byte* before,
                               const std::function<void(std::uint64_t)>& use) const {
  Decoder in = in_;
  for (std::uint64_t i = 0; i != blocks_; ++i) {
    const std::uint64_t begin = address_ + i * block;
    const auto* now = reinterpret_cast<const std::byte*>(begin);
    const auto mask = in.get<std::uint64_t>();
    const std::byte* changed = in.take(static_cast<std::size_t>(std::popcount(mask)));
    const bool whole = mask == ~std::uint64_t{0};
    if (whole && std::memcmp(now, before + (begin - address()), block) == 0) continue;
    each_byte(mask, [&](std::size_t at) {
      if (now[at] != before[begin + at - address()] && now[at] != *changed) use(begin + at);
      ++changed;
    });
  }
}

void ChangedRun::apply() const {
  Decoder in = in_;
  for (std::uint64_t i = 0; i != blocks_; ++i) {
    auto* place = reinterpret_cast<std::byte*>(address_ + i * block);
    const auto mask = in.get<std::uint64_t>();
    const std::byte* changed = in.take(static_cast<std::size_t>(std::popcount(mask)));
    if (mask == ~std::uint64_t{0}) {
      std::memcpy(place, changed, block);
    } else {
      each_byte(mask, [&](std::size_t at) { place[at] = *changed++; });
    }
  }
}

}  // namespace paracord::detail
