#include "paracord/core/block.h"

#include "paracord/core/call.h"

namespace paracord::detail {

namespace {

constexpr std::uint64_t pack(std::uint64_t next, std::uint64_t count) {
  return next << 32 | count;
}
constexpr std::size_t next_of(std::uint64_t claims) {
  return claims >> 32;
}
constexpr std::size_t count_of(std::uint64_t claims) {
  return claims & 0xffffffffu;
}

void* make_room(std::size_t bytes, std::size_t alignment) {
  return bytes == 0 ? nullptr : ::operator new(bytes, std::align_val_t(alignment));
}
void drop_room(void* room, std::size_t alignment) {
  if (room != nullptr) ::operator delete(room, std::align_val_t(alignment));
}

// Replaces `room`, of `held` objects, where it is too small for `wanted`.
void ensure_room(void*& room, std::size_t& held, std::size_t wanted, std::size_t size,
                 std::size_t alignment) {
  if (held >= wanted) return;
  drop_room(room, alignment);
  room = nullptr;
  held = 0;
  room = make_room(wanted * size, alignment);
  held = wanted;
}

}  // namespace

Block::~Block() {
  drop_room(tasks, layout_.task_alignment);
  drop_room(own_results_, layout_.result_alignment);
}

void Block::run() noexcept {
  call_.run_block(*this);
}

void Block::prepare(std::size_t first, std::size_t capacity, const Layout& layout, void* place) {
  layout_ = layout;
  if (layout.task_size != 0)
    ensure_room(tasks, task_room_, capacity, layout.task_size, layout.task_alignment);
  in_place_ = place != nullptr;
  if (!in_place_)
    ensure_room(own_results_, result_room_, capacity, layout.result_size, layout.result_alignment);
  results = in_place_ ? place : own_results_;
  first_index = first;
  count = 0;
  attention.store(false, std::memory_order_relaxed);
  exposed_ = false;
  states = nullptr;
  if (has_gaps_.exchange(false, std::memory_order_relaxed)) {
    gaps_.with([](BlockGaps& gaps) { gaps.clear(); });
  }
}

void Block::publish(std::size_t grain) {
  grain_.store(grain, std::memory_order_relaxed);
  unfinished_.store(count, std::memory_order_relaxed);
  claims_.store(pack(0, count), std::memory_order_release);
}

void Block::expose(std::size_t capacity, bool by_range) {
  if (exposed_room_ < capacity) {
    results_made_ = std::make_unique<std::atomic<Result>[]>(capacity);
    exposed_room_ = capacity;
  }
  for (std::size_t i = 0; i != capacity; ++i)
    results_made_[i].store(Result::pending, std::memory_order_relaxed);
  exposed_ = true;
  if (by_range) states = results_made_.get();
  read_to_end = run_to_end = false;
  waits_for_reader.store(false, std::memory_order_relaxed);
  taken = 0;
}

Block::Claim Block::claim(std::size_t most) {
  if (aside_count_.load(std::memory_order_acquire) != 0) {
    if (const Claim claim = claim_aside(std::max<std::size_t>(std::min(grain_.load(), most), 1));
        !claim.empty())
      return claim;
  }
  std::uint64_t claims = claims_.load(std::memory_order_acquire);
  while (next_of(claims) < count_of(claims)) {
    const std::size_t begin = next_of(claims);
    const std::size_t wanted = std::min(grain_.load(std::memory_order_relaxed), most);
    const std::size_t end = std::min(begin + std::max<std::size_t>(wanted, 1), count_of(claims));
    if (claims_.compare_exchange_weak(claims, pack(end, count_of(claims)),
                                      std::memory_order_acq_rel)) {
      return {begin, end};
    }
  }
  return {};
}

Block::Claim Block::claim_rest() {
  std::uint64_t claims = claims_.load(std::memory_order_acquire);
  while (next_of(claims) < count_of(claims)) {
    const std::size_t end = count_of(claims);
    if (claims_.compare_exchange_weak(claims, pack(end, end), std::memory_order_acq_rel)) {
      return {next_of(claims), end};
    }
  }
  return claim_aside(most_tasks);
}

bool Block::put_aside(Claim claim) noexcept {
  return aside_.with([&](std::vector<Claim>& aside) {
    try {
      aside.push_back(claim);
    } catch (const std::bad_alloc&) {
      return false;
    }
    aside_count_.store(aside.size(), std::memory_order_release);
    return true;
  });
}

Block::Claim Block::claim_aside(std::size_t most) {
  if (aside_count_.load(std::memory_order_acquire) == 0) return {};
  return aside_.with([&](std::vector<Claim>& aside) -> Claim {
    if (aside.empty()) return {};
    Claim& last = aside.back();
    const Claim claim{last.begin, last.begin + std::min(most, last.size())};
    last.begin = claim.end;
    if (last.empty()) aside.pop_back();
    aside_count_.store(aside.size(), std::memory_order_release);
    return claim;
  });
}

bool Block::give_back(std::size_t from, std::size_t end) {
  grain_.store(1, std::memory_order_relaxed);
  std::uint64_t claims = claims_.load(std::memory_order_relaxed);
  if (next_of(claims) != end) return false;
  return claims_.compare_exchange_strong(claims, pack(from, count_of(claims)),
                                         std::memory_order_acq_rel);
}

bool Block::has_unclaimed() const {
  const std::uint64_t claims = claims_.load(std::memory_order_relaxed);
  return next_of(claims) < count_of(claims) || aside_count_.load(std::memory_order_acquire) != 0;
}

bool Block::has_spare() const {
  if (aside_count_.load(std::memory_order_acquire) != 0) return true;
  const std::uint64_t claims = claims_.load(std::memory_order_relaxed);
  const std::size_t begun = std::max(next_of(claims), grain_.load(std::memory_order_relaxed));
  return begun < count_of(claims);
}

void Block::add_gap(std::size_t index, std::exception_ptr error) {
  gaps_.with([&](BlockGaps& gaps) { gaps.add(index, std::move(error)); });
  has_gaps_.store(true, std::memory_order_release);
  if (exposed_) set_result_state(index, Result::missing);
}

const BlockGaps* Block::gaps() {
  if (!has_gaps_.load(std::memory_order_acquire)) return nullptr;
  return gaps_.with([](BlockGaps& gaps) -> const BlockGaps* { return &gaps; });
}

}  // namespace paracord::detail
