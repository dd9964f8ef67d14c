// DataPlane: what peers say, and what they are answered.

#include <algorithm>
#include <utility>

#include "paracord/transport/clock.h"
#include "paracord/transport/data_plane_state.h"

namespace paracord::cluster {

void DataPlane::State::disconnected(PeerId peer) {
  outbox.drop_peer(peer);
  for (auto& [object, fetch] : fetches) fetch->source_lost(peer);
}

void DataPlane::State::refused(PeerId peer, const std::string& why) {
  for (auto& [object, fetch] : fetches) fetch->source_gone(peer, why);
  // Those that wait go on without it, where they know another one.
  std::vector<data::Fetch::Setup> lost;
  for (auto next = waiting.begin(); next != waiting.end();) {
    const auto waits = next++;
    std::vector<PeerId>& sources = waits->second.sources;
    if (std::erase(sources, peer) != 0 && sources.empty())
      lost.push_back(std::move(waiting.extract(waits).mapped()));
  }
  for (const data::Fetch::Setup& setup : lost)
    setup.on_fetched(data::nobody_has(setup.object, why), nullptr);
}

void DataPlane::State::handle(PeerId from, data::DataMessage& message) {
  struct {
    State& state;
    PeerId from;
    void operator()(data::Hello&) {}
    void operator()(data::AskTable& m) { state.give_table(from, m); }
    void operator()(data::TablePart& m) { state.take_table(from, m); }
    void operator()(data::Want& m) { state.take_wants(from, m); }
    void operator()(data::Chunk& m) { state.take_chunk(from, m); }
    void operator()(data::Cannot& m) {
      const auto fetch = state.fetches.find(m.object);
      if (fetch == state.fetches.end()) return;
      fetch->second->source_cannot(from, "a source says: " + m.why, now());
      state.pump(*fetch->second);
    }
    void operator()(data::Have& m) {
      const auto fetch = state.fetches.find(m.object);
      if (fetch == state.fetches.end()) return;
      fetch->second->take_have(from, m);
      state.pump(*fetch->second);
    }
    void operator()(data::AskPlace& m) {
      const auto offer = state.offers.find(m.object);
      const FilePlace place = offer == state.offers.end() ? FilePlace{} : offer->second.place;
      (void)state.links.send(from, data::Place{m.object, place});
    }
    void operator()(data::Place& m) { state.take_place(from, m); }
  } handler{*this, from};
  std::visit(handler, message);
}

void DataPlane::State::cannot(PeerId to, const ObjectId& object, const std::string& why) {
  (void)links.send(to, data::Cannot{object, why});
}

void DataPlane::State::give_table(PeerId to, const data::AskTable& ask) {
  // What somebody else waits for as well does not wait any more.
  if (const auto waits = waiting.find(ask.object); waits != waiting.end()) start_now(waits);
  if (const auto offer = offers.find(ask.object); offer != offers.end()) {
    give_table_of(to, *offer->second.table, ask.first);
    if (ask.first == 0) (void)links.send(to, data::Have{ask.object, true, {}});
  } else if (const auto found = fetches.find(ask.object); found != fetches.end()) {
    // Who asks fetches it as well, and will soon have chunks to give.
    data::Fetch& fetch = *found->second;
    fetch.add_listener(to);
    if (fetch.table() != nullptr) {
      give_table_of(to, *fetch.table(), ask.first);
      if (ask.first == 0) fetch.tell_all_chunks(to);
    } else {
      (void)links.send(to, data::Have{ask.object, false, {}});
    }
    fetch.add_source(to, now());
    pump(fetch);
  } else if (const auto over = between.find(ask.object); over != between.end()) {
    over->second.listeners.insert(to);
  } else {
    cannot(to, ask.object, "it is not here");
  }
}

void DataPlane::State::give_table_of(PeerId to, const ObjectTable& table, std::uint32_t first) {
  data::TablePart part{table.id, first, {}};
  if (first > table.chunks.size()) return cannot(to, table.id, "its table is shorter");
  const auto begin = table.chunks.begin() + first;
  const auto left = static_cast<std::size_t>(table.chunks.end() - begin);
  part.digests.assign(begin, begin + std::min(left, data::longest_list));
  (void)links.send(to, part);
}

void DataPlane::State::take_table(PeerId from, const data::TablePart& part) {
  const auto found = fetches.find(part.object);
  if (found == fetches.end()) return;
  data::Fetch& fetch = *found->second;
  const bool had = fetch.table() != nullptr;
  fetch.take_table(from, part, now());
  if (!had && fetch.table() != nullptr) {
    for (const PeerId peer : fetch.listeners()) give_table_of(peer, *fetch.table(), 0);
  }
  pump(fetch);
}

void DataPlane::State::take_wants(PeerId from, const data::Want& want) {
  const auto over = between.find(want.object);
  if (over != between.end()) {
    for (const std::uint32_t chunk : want.chunks) over->second.wanted.emplace_back(from, chunk);
    return;
  }
  if (!offers.contains(want.object) && !fetches.contains(want.object))
    return cannot(from, want.object, "it is not here");
  for (const std::uint32_t chunk : want.chunks) outbox.add(from, {want.object, chunk});
}

void DataPlane::State::take_chunk(PeerId from, const data::Chunk& chunk) {
  const auto found = fetches.find(chunk.object);
  if (found == fetches.end()) return;
  if (!found->second->take_chunk(from, chunk, now())) {
    chunks_refused.fetch_add(1);
  } else {
    received_bytes.fetch_add(chunk.bytes.size());
  }
  pump(*found->second);
}

bool DataPlane::State::is_unchanged(const Offer& offer, std::uint32_t chunk) const {
  const std::byte* bytes = offer.data + std::size_t{chunk} * chunk_bytes;
  return digest_of({bytes, data::bytes_of_chunk(offer.table->id, chunk)}) ==
         offer.table->chunks[chunk];
}

// Returns whether it is done with: false where there was no room.
bool DataPlane::State::send_chunk(PeerId to, const data::Outbox::Item& item,
                                  const data::Outbox::Turn& turn) {
  if (!links.reaches(to)) return true;
  if (const auto found = fetches.find(item.object); found != fetches.end()) {
    const data::Fetch& fetch = *found->second;
    if (!fetch.has(item.chunk)) return true;  // not told of: whoever asks for it asks again
    const DataPlane::Destination& memory = fetch.destination();
    const std::shared_ptr<const void> keep(
        static_cast<const void*>(memory.data),
        [owner = memory.owner, turn](const void*) { (void)owner; });
    return send_bytes(to, item, memory.data, keep);
  }
  const auto found = offers.find(item.object);
  if (found == offers.end()) {
    cannot(to, item.object, "it is not here any more");
    return true;
  }
  const Offer offer = found->second;
  if (!is_unchanged(offer, item.chunk)) {
    chunks_refused.fetch_add(1);
    // Whoever owns it hears of it before anybody can tell him of what it has led to.
    if (told_changed) told_changed(item.object);
    cannot(to, item.object, "its bytes have changed since it was named");
    return true;
  }
  offer.sending->chunks.fetch_add(1);
  const std::shared_ptr<const void> keep(static_cast<const void*>(offer.data),
                                         [sending = offer.sending, turn](const void*) {
                                           if (sending->chunks.fetch_sub(1) == 1)
                                             sending->idle.notify();
                                         });
  return send_bytes(to, item, offer.data, keep);
}

bool DataPlane::State::send_bytes(PeerId to, const data::Outbox::Item& item,
                                  const std::byte* object,
                                  const std::shared_ptr<const void>& keep) {
  const std::size_t size = data::bytes_of_chunk(item.object, item.chunk);
  const std::span bytes(object + std::size_t{item.chunk} * chunk_bytes, size);
  if (!links.send(to, data::Chunk{item.object, item.chunk, bytes}, keep)) return false;
  sent_bytes.fetch_add(size);
  return true;
}

void DataPlane::State::search(const ObjectId& object, PeerId peer, OnFile on_file) {
  const auto search = searches.try_emplace({peer, object}).first;
  search->second.waiting.push_back(std::move(on_file));
  if (search->second.waiting.size() != 1) return;
  set_end(search);
  lines_of_searches[peer].order.push_back(object);
  ask_next_places(peer);
}

void DataPlane::State::set_end(Searches::iterator search) {
  search->second.ends = now() + options.longest_search;
  search_ends.emplace_back(search->second.ends, search->first);
}

void DataPlane::State::ask_next_places(PeerId peer) {
  const auto line = lines_of_searches.find(peer);
  if (line == lines_of_searches.end()) return;
  auto& [running, order] = line->second;
  while (!order.empty()) {
    const ObjectId object = order.front();
    const auto search = searches.find({peer, object});
    const bool waits = search != searches.end() && !search->second.is_asked;
    if (waits && (!links.reaches(peer) || running >= most_asked)) return;
    order.pop_front();
    if (!waits) continue;
    search->second.is_asked = true;
    ++running;
    ask_place(object, peer);
  }
  if (running == 0) lines_of_searches.erase(line);
}

// Most peers are somewhere else.
void DataPlane::State::ask_place(const ObjectId& object, PeerId peer) {
  set_end(searches.find({peer, object}));
  if (links.neighbour(peer) == 0 || !links.send(peer, data::AskPlace{object}))
    end_search(object, peer, std::nullopt);
}

// There is a connection to it, anew: what was asked before may have been lost.
void DataPlane::State::ask_places_of(PeerId peer) {
  std::vector<ObjectId> asked;
  for (auto search = searches.lower_bound({peer, {}});
       search != searches.end() && search->first.first == peer; ++search) {
    if (search->second.is_asked) asked.push_back(search->first.second);
  }
  for (const ObjectId& object : asked) ask_place(object, peer);
  ask_next_places(peer);
}

void DataPlane::State::take_place(PeerId from, const data::Place& place) {
  if (!searches.contains({from, place.object})) return;
  end_search(place.object, from, open_file(links.neighbour(from), place.place, place.object.bytes));
  ask_next_places(from);
}

void DataPlane::State::end_search(const ObjectId& object, PeerId peer,
                                  const std::optional<NeighbourFile>& file) {
  const auto search = searches.extract({peer, object});
  if (search.empty()) return;
  if (search.mapped().is_asked) --lines_of_searches.at(peer).running;
  for (const OnFile& told : search.mapped().waiting) told(file);
}

// Those that a peer which can be reached has not been asked for yet wait for their turn.
void DataPlane::State::end_late_searches() {
  const Time time = now();
  while (!search_ends.empty() && search_ends.front().first <= time) {
    const auto [ends, key] = search_ends.front();
    search_ends.pop_front();
    const auto search = searches.find(key);
    if (search == searches.end() || search->second.ends != ends) continue;
    const auto& [peer, object] = key;
    if (!search->second.is_asked && links.reaches(peer)) {
      set_end(search);
      continue;
    }
    end_search(object, peer, std::nullopt);
    ask_next_places(peer);
  }
}

}  // namespace paracord::cluster
