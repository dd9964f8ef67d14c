#include "paracord/scheduler/sources.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "paracord/scheduler/limits.h"
#include "paracord/scheduler/placement.h"

namespace paracord::cluster::scheduling {

namespace {

// Those that have all of it before those that still fetch it, and the less busy ones first. A
// source that many fetch from already is left alone: those who fetch from it serve what they have.
std::vector<std::uint32_t> best_sources(const std::vector<ObjectDirectory::Holder>& holders,
                                        std::uint32_t to, std::uint64_t turn) {
  std::vector<ObjectDirectory::Holder> some;
  const std::size_t count = std::min(holders.size(), holders_examined);
  for (std::size_t i = 0; i != count; ++i) {
    const auto& holder = holders[(turn + i) % holders.size()];
    if (holder.node != to && holder.source != to && holder.fetchers < most_fetchers_of_source)
      some.push_back(holder);
  }
  std::sort(some.begin(), some.end(), [](const auto& a, const auto& b) {
    return std::tuple(!a.is_complete, a.fetchers, a.node) <
           std::tuple(!b.is_complete, b.fetchers, b.node);
  });
  if (some.size() > most_sources) some.resize(most_sources);
  std::vector<std::uint32_t> nodes;
  for (const auto& holder : some) nodes.push_back(holder.node);
  return nodes;
}

}  // namespace

std::vector<ObjectSources> sources_for(State& state, const Batch& batch, Node& node) {
  std::vector<ObjectSources> all;
  const std::uint32_t to = node.session.index;
  for (const ObjectId& need : batch.needs) {
    const auto* const there = state.directory.find(need, to);
    if (there != nullptr && there->is_complete) continue;
    ObjectSources sources{need, {}};
    const auto nodes = best_sources(state.directory.holders(need), to, state.order);
    for (const std::uint32_t from : nodes) sources.nodes.push_back(address_of(state.node(from)));
    if (there == nullptr && node.fetching.size() < most_objects_of_node) {
      state.directory.fetch(need, to, nodes.empty() ? none : nodes.front());
      node.fetching.push_back(need);
    }
    if (!sources.nodes.empty()) all.push_back(std::move(sources));
  }
  return all;
}

void forget_fetches(State& state, Node& node) {
  for (const ObjectId& object : node.fetching)
    state.directory.erase_fetching(object, node.session.index);
  node.fetching.clear();
}

}  // namespace paracord::cluster::scheduling
