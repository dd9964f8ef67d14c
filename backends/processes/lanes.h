#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>

/// To which worker of a call its next part goes: decided from what is known of each, so that a
/// simulation decides as the product does.
namespace paracord::detail {

/// A place for one worker.
struct LaneState {
  bool has_worker = false;
  bool is_starting = false;           ///< somebody is about to lease one
  bool is_closed = false;             ///< takes no more parts, whatever it has
  bool has_place = true;              ///< for another part
  int parts = 0;                      ///< with the worker: one that runs, and others behind it
  std::array<std::uint64_t, 2> at{};  ///< the batch, in its cluster, of the part that came first
};

/// Batches whose task waits for others, and leaves its slot to one of them. By name, not by lane:
/// what is said of a batch may come before its worker is seen to have begun it, or after its end.
using ParkedBatches = std::set<std::array<std::uint64_t, 2>>;

struct LaneChoice {
  std::optional<std::size_t> idle, empty, busy;  ///< the first of each; of those at work the least
  int busy_count = 0;                            ///< that are, or begin to be, and are not parked
  int free_count = 0;                            ///< idle or empty

  /// The lane with the least to do: first those whose worker is there and idle, then a new one.
  /// Where `most_busy` are at work, a part is sent behind another, or waits.
  std::optional<std::size_t> next(int most_busy, bool sends_ahead) const {
    if (busy_count < most_busy) {
      if (idle) return idle;
      if (empty) return empty;
    }
    return sends_ahead ? busy : std::nullopt;
  }
};

/// `lane(i)`: the LaneState of lane i.
template <class Lane>
LaneChoice look_at_lanes(std::size_t count, const ParkedBatches& parked, Lane lane) {
  LaneChoice choice;
  int least_parts = 0;
  // Where a batch was shared out, one of its workers waits: which one is not known.
  ParkedBatches not_found = parked;
  for (std::size_t i = 0; i != count; ++i) {
    const LaneState state = lane(i);
    if (!state.has_worker) {
      choice.busy_count += state.is_starting;
      choice.free_count += !state.is_starting;
      if (!state.is_starting && !choice.empty) choice.empty = i;
      continue;
    }
    const bool is_parked = state.parts != 0 && parked.contains(state.at);
    if (is_parked && not_found.erase(state.at) != 0) continue;
    // One without a place and without a part is about to pass over what was taken back from it.
    choice.busy_count += state.parts != 0 || !state.has_place;
    if (state.is_closed || is_parked || !state.has_place) continue;
    choice.free_count += state.parts == 0;
    if (state.parts == 0) {
      if (!choice.idle) choice.idle = i;
    } else if (!choice.busy || state.parts < least_parts) {
      choice.busy = i;
      least_parts = state.parts;
    }
  }
  return choice;
}

}  // namespace paracord::detail
