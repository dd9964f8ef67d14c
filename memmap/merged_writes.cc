#include "paracord/memmap/merged_writes.h"

#include <algorithm>
#include <set>
#include <string>

#include "paracord/core/errors.h"
#include "paracord/memmap/changed_bytes.h"

namespace paracord::detail {

namespace {

constexpr std::size_t most_named = 4;

}  // namespace

// Memory has a value at `address` that no task was given, and that this one does not write. It
// comes from another task; or from the caller, who may write where his tasks do at his own risk.
void MergedWrites::refuse_conflict(const State& state, std::uint64_t address, std::size_t task) {
  std::set<std::size_t> others;
  const std::uint64_t first = address - std::min(address, state.longest);
  for (auto at = state.extents.lower_bound(first);
       at != state.extents.end() && at->first <= address; ++at) {
    if (at->second.end > address && at->second.task != task) others.insert(at->second.task);
  }
  if (others.empty()) return;
  std::string names;
  std::size_t named = 0;
  for (const std::size_t other : others) {
    if (named++ == most_named) break;
    names += (names.empty() ? "" : " or ") + std::to_string(other);
  }
  throw SerializationError("task " + std::to_string(task) + " and task " + names +
                           " of the call have set the same byte of an array to different values; "
                           "let each task write elements of its own, or return the values");
}

void MergedWrites::merge(Decoder& in, std::size_t task, const Allowed& allowed,
                         const Before& before) {
  state_.with([&](State& state) {
    Decoder check = in;
    for (auto runs = check.get<std::uint64_t>(); runs != 0; --runs) {
      const ChangedRun run(check);
      if (!allowed(run.address(), run.bytes()))
        refuse_message("a task wrote to memory that it was not given");
      const std::byte* given = before ? before(run.address(), run.bytes()) : nullptr;
      if (given == nullptr) continue;
      run.each_conflict(given,
                        [&](std::uint64_t address) { refuse_conflict(state, address, task); });
    }
    for (auto runs = in.get<std::uint64_t>(); runs != 0; --runs) {
      const ChangedRun run(in);
      run.apply();
      if (!before) continue;
      state.longest = std::max(state.longest, run.bytes());
      state.extents.emplace(run.address(), Extent{run.address() + run.bytes(), task});
    }
  });
}

void MergedWrites::clear() {
  state_.with([](State& state) { state = {}; });
}

}  // namespace paracord::detail
