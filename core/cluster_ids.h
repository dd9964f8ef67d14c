#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>

/// How things are called in a cluster.
namespace paracord::cluster {

/// Time since some moment, on one party's own clock. No two clocks are ever compared.
using Time = std::chrono::nanoseconds;

/// Random, fresh for each start of a process. 0: none.
using PeerId = std::uint64_t;
using CallId = std::uint32_t;                      ///< a client's own count, from 1
using BatchId = std::uint64_t;                     ///< a client's own count, from 1
using Bytes = std::shared_ptr<const std::string>;  ///< never null; shared, since it goes on unread

/// Names one assignment of one batch. Each start of a scheduler has a higher epoch.
struct Attempt {
  std::uint64_t epoch = 0;
  std::uint64_t counter = 0;  ///< 0: none
  auto operator<=>(const Attempt&) const = default;
};

/// An array's content, or a bundle of code: what has the same name has the same bytes.
struct ObjectId {
  std::array<std::uint64_t, 2> digest{};
  std::uint64_t bytes = 0;
  auto operator<=>(const ObjectId&) const = default;
};

}  // namespace paracord::cluster
