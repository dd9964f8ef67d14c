#include "paracord/memmap/drafts.h"

#include <algorithm>
#include <cstring>

namespace paracord::detail {

namespace {

constexpr std::size_t block = 4096;  // compared as a whole first

std::size_t end_of_same(const std::byte* a, const std::byte* b, std::size_t from, std::size_t end) {
  while (from + block <= end && std::memcmp(a + from, b + from, block) == 0) from += block;
  while (from != end && a[from] == b[from]) ++from;
  return from;
}

std::size_t end_of_changed(const std::byte* a, const std::byte* b, std::size_t from,
                           std::size_t end) {
  while (from != end && a[from] != b[from]) ++from;
  return from;
}

const std::byte* bytes_of(const std::vector<std::uint64_t>& words) {
  return reinterpret_cast<const std::byte*>(words.data());
}

}  // namespace

void* Drafts::add(std::uint64_t address, const void* original, std::size_t bytes, bool with_gaps) {
  Draft draft{address, {}, {}, bytes};
  draft.copy.resize((bytes + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t));
  std::memcpy(draft.copy.data(), original, bytes);
  if (with_gaps) {
    const std::byte* first = bytes_of(draft.copy);
    draft.before.assign(first, first + bytes);
  }
  drafts_.push_back(std::move(draft));
  return drafts_.back().copy.data();
}

void Drafts::encode_run(Encoder& out, const Draft& draft, std::size_t begin, std::size_t end) {
  out.put(draft.address + begin);
  out.put(static_cast<std::uint64_t>(end - begin));
  out.write(bytes_of(draft.copy) + begin, end - begin);
}

std::uint32_t Drafts::encode_changes(Encoder& out, const Draft& draft) {
  const std::byte* now = bytes_of(draft.copy);
  const std::byte* before = draft.before.data();
  std::uint32_t runs = 0;
  for (std::size_t at = 0; (at = end_of_same(now, before, at, draft.bytes)) != draft.bytes;) {
    const std::size_t end = end_of_changed(now, before, at, draft.bytes);
    encode_run(out, draft, at, end);
    at = end;
    ++runs;
  }
  return runs;
}

void Drafts::encode(Encoder& out) const {
  const std::size_t count_at = out.size();
  out.put(std::uint32_t{0});
  std::uint32_t runs = 0;
  for (const Draft& draft : drafts_) {
    if (!draft.before.empty()) {
      runs += encode_changes(out, draft);
    } else {
      encode_run(out, draft, 0, draft.bytes);
      ++runs;
    }
  }
  out.overwrite(count_at, runs);
}

void Drafts::publish(Decoder& in, const Allowed& allowed) {
  Decoder check = in;
  for (auto runs = check.get<std::uint32_t>(); runs != 0; --runs) {
    const auto address = check.get<std::uint64_t>();
    const auto bytes = check.get<std::uint64_t>();
    (void)check.take(static_cast<std::size_t>(bytes));
    if (!allowed(address, bytes)) refuse_message("a task wrote to memory that it was not given");
  }
  for (auto runs = in.get<std::uint32_t>(); runs != 0; --runs) {
    const auto address = in.get<std::uint64_t>();
    const auto bytes = static_cast<std::size_t>(in.get<std::uint64_t>());
    std::memcpy(reinterpret_cast<void*>(address), in.take(bytes), bytes);
  }
}

}  // namespace paracord::detail
