#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "paracord/core/cluster_messages.h"

/// What the scheduler believes of a peer, at the most, and what it remembers.
namespace paracord::cluster::scheduling {

// A peer that says more than this is at fault, and is refused.
inline constexpr std::uint32_t most_tasks_of_batch = 1u << 24;
inline constexpr std::size_t most_needs_of_batch = 4096;
inline constexpr std::size_t most_calls_of_client = std::size_t{1} << 16;
inline constexpr std::size_t most_batches_in_hello = std::size_t{1} << 22;
inline constexpr std::size_t most_nodes_in_hello = std::size_t{1} << 16;
inline constexpr std::size_t most_objects_of_node = std::size_t{1} << 20;
inline constexpr std::uint32_t most_slots_of_node = 1u << 16;
inline constexpr std::uint32_t most_weight = 1'000'000;
inline constexpr std::size_t most_text = 4096;
inline constexpr std::size_t most_output = std::size_t{1} << 20;
inline constexpr std::size_t most_failures_of_report = 100;
/// A client's queue may hold this many times what it was told, since Welcome and Submit may cross.
inline constexpr std::uint64_t queue_excess = 2;
/// What a batch takes of the queue beside its payload.
inline constexpr std::uint64_t batch_overhead = 64;

// The oldest are forgotten.
inline constexpr std::size_t most_refused_peers = 4096;
inline constexpr std::size_t most_known_functions = 4096;

// Credits.
inline constexpr std::uint32_t most_extra_per_slot = 64;
/// Of a task whose like has not run yet.
inline constexpr double unknown_cost_nanoseconds = 1e6;

// Objects.
inline constexpr std::size_t holders_examined = 16;
inline constexpr std::size_t most_sources = 4;
inline constexpr std::uint32_t most_fetchers_of_source = 4;

/// Between two looks for work that waits at one node while another is idle.
inline constexpr Time balance_interval = std::chrono::milliseconds(10);
/// Between two announcements of the number of slots.
inline constexpr Time slots_interval = std::chrono::milliseconds(100);

}  // namespace paracord::cluster::scheduling
