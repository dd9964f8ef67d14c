#include "paracord/memmap/page_mapper.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <system_error>
#include <utility>

#include "paracord/core/service_thread.h"

namespace paracord::detail {

namespace {

constexpr int lowest_priority = 19;

}  // namespace

PageMapper::~PageMapper() {
  ends_.store(true);
  changed_.notify();
  std::thread thread = state_.with([](State& state) { return std::move(state.thread); });
  if (thread.joinable()) thread.join();
}

void PageMapper::add(std::shared_ptr<Arena> arena, std::size_t offset, std::size_t bytes) {
  const std::size_t begin = (offset + Arena::chunk - 1) / Arena::chunk * Arena::chunk;
  const std::size_t end = (offset + bytes) / Arena::chunk * Arena::chunk;
  std::size_t next = begin;
  while (next < end && arena->is_mapped(next)) next += Arena::chunk;
  if (next >= end) return;
  const std::uint64_t drops = arena->drops();
  state_.with([&](State& state) {
    state.jobs.push_back({std::move(arena), next, end, drops});
    try {
      if (!state.thread.joinable()) state.thread = service_thread([this] { run(); });
    } catch (const std::system_error&) {
      state.jobs.clear();  // no more threads: the next copy takes its page faults
    }
  });
  changed_.notify();
}

bool PageMapper::has_jobs() {
  return state_.with([](State& state) { return !state.jobs.empty(); });
}

std::optional<PageMapper::Job> PageMapper::next_job() {
  return state_.with([](State& state) -> std::optional<Job> {
    if (state.jobs.empty()) return std::nullopt;
    std::optional<Job> job(std::move(state.jobs.front()));
    state.jobs.pop_front();
    return job;
  });
}

void PageMapper::run() {
  pthread_setname_np(pthread_self(), "paracord-pages");
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), lowest_priority);
  while (!ends_.load()) {
    changed_.wait([this] { return ends_.load() || has_jobs(); });
    std::optional<Job> job = next_job();
    for (; job && job->next < job->end && !ends_.load(); job->next += Arena::chunk) {
      if (job->arena->is_mapped(job->next)) continue;
      if (!job->arena->map_chunk(job->next, job->drops)) break;
    }
  }
}

}  // namespace paracord::detail
