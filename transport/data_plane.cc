#include "paracord/transport/data_plane.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "paracord/core/event.h"
#include "paracord/core/guarded.h"
#include "paracord/transport/data_links.h"
#include "paracord/transport/fetch.h"

namespace paracord::cluster {

namespace {

constexpr auto longest_wait = std::chrono::milliseconds(200);

Time now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

// What is being sent of an offer. Kept by each chunk on its way.
struct Sending {
  std::shared_ptr<const void> owner;
  std::atomic<int> chunks{0};
  detail::Event idle;
};

}  // namespace

struct DataPlane::State {
  explicit State(Options given)
      : options(std::move(given)),
        wake_fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
        links(
            options, [this](PeerId from, data::DataMessage& message) { handle(from, message); },
            [this](PeerId peer) { connected(peer); }, [this](PeerId peer) { disconnected(peer); }) {
  }
  ~State() { close(wake_fd); }

  struct Offer {
    std::shared_ptr<const ObjectTable> table;
    const std::byte* data;
    std::shared_ptr<Sending> sending;
  };
  struct Awaited {
    PeerId peer;
    std::uint32_t chunk;
  };

  void post(std::function<void()> job) {
    jobs.with([&](auto& waiting) { waiting.push_back(std::move(job)); });
    const std::uint64_t one = 1;
    if (!woken.exchange(true)) (void)!write(wake_fd, &one, sizeof one);
  }
  // Runs it on the plane's thread, and waits.
  void run(const std::function<void()>& job) {
    if (std::this_thread::get_id() == thread.get_id()) return job();
    std::atomic<bool> done{false};
    post([&] {
      job();
      done.store(true);
      ran.notify();
    });
    ran.wait([&] { return done.load(); });
  }

  void serve() {
    while (!stopped.load()) {
      links.turn(wake_fd, longest_wait);
      std::uint64_t wakes = 0;
      woken.store(false);
      (void)!read(wake_fd, &wakes, sizeof wakes);
      for (const auto& job : jobs.with([](auto& waiting) { return std::exchange(waiting, {}); }))
        job();
      pump_all();
    }
  }

  void pump_all() {
    std::vector<ObjectId> ended;
    for (auto& [object, fetch] : fetches) {
      fetch->pump([this](PeerId peer) { return links.reaches(peer); },
                  [this](PeerId peer, const data::DataMessage& m) { return links.send(peer, m); },
                  now(), options.silence);
      if (fetch->state() != data::Fetch::State::running) ended.push_back(object);
    }
    for (const ObjectId& object : ended) end(object);
  }

  void end(const ObjectId& object) {
    const auto node = fetches.extract(object);
    data::Fetch& fetch = *node.mapped();
    if (fetch.state() == data::Fetch::State::done) {
      fetch.tell(Status());
      return;
    }
    for (const Awaited& waiting : std::exchange(awaited[object], {}))
      (void)links.send(waiting.peer, data::Cannot{object, "it did not get here"});
    awaited.erase(object);
    fetch.tell(Status(StatusCode::lost, "an object of " + std::to_string(object.bytes) +
                                            " bytes can be had of nobody any more"));
  }

  void connected(PeerId peer) {
    for (auto& [object, fetch] : fetches) fetch->source_connected(peer);
  }
  void disconnected(PeerId peer) {
    for (auto& [object, fetch] : fetches) fetch->source_lost(peer);
    for (auto& [object, waiting] : awaited)
      std::erase_if(waiting, [&](const Awaited& one) { return one.peer == peer; });
  }

  void handle(PeerId from, data::DataMessage& message) {
    struct {
      State& state;
      PeerId from;
      void operator()(data::Hello&) {}
      void operator()(data::AskTable& m) { state.give_table(from, m.object); }
      void operator()(data::Table& m) { state.take_table(from, m.table); }
      void operator()(data::Want& m) {
        for (const std::uint32_t chunk : m.chunks) state.give(from, m.object, chunk);
      }
      void operator()(data::Chunk& m) { state.take_chunk(from, m); }
      void operator()(data::Cannot& m) {
        const auto fetch = state.fetches.find(m.object);
        if (fetch != state.fetches.end()) fetch->second->source_gone(from);
      }
    } handler{*this, from};
    std::visit(handler, message);
  }

  void give_table(PeerId to, const ObjectId& object) {
    if (const auto offer = offers.find(object); offer != offers.end()) {
      (void)links.send(to, data::Table{*offer->second.table});
    } else if (const auto fetch = fetches.find(object); fetch != fetches.end()) {
      if (fetch->second->table() != nullptr) {
        (void)links.send(to, data::Table{*fetch->second->table()});
      } else {
        tables_awaited[object].push_back(to);
      }
    } else {
      (void)links.send(to, data::Cannot{object, "it is not here"});
    }
  }

  void take_table(PeerId from, const ObjectTable& table) {
    const auto fetch = fetches.find(table.id);
    if (fetch == fetches.end()) return;
    fetch->second->take_table(from, table);
    if (fetch->second->table() == nullptr) return;
    for (const PeerId peer : std::exchange(tables_awaited[table.id], {}))
      give_table(peer, table.id);
    tables_awaited.erase(table.id);
  }

  void give(PeerId to, const ObjectId& object, std::uint32_t chunk) {
    if (const auto offer = offers.find(object); offer != offers.end())
      return send_chunk(to, offer->second, chunk);
    const auto fetch = fetches.find(object);
    if (fetch == fetches.end()) {
      (void)links.send(to, data::Cannot{object, "it is not here"});
    } else if (fetch->second->has(chunk)) {
      send_bytes(to, object, chunk, fetch->second->data(), fetch->second->owner());
    } else {
      awaited[object].push_back({to, chunk});
    }
  }

  void send_chunk(PeerId to, const Offer& offer, std::uint32_t chunk) {
    const ObjectId& object = offer.table->id;
    const std::byte* bytes = offer.data + std::size_t{chunk} * chunk_bytes;
    if (digest_of({bytes, data::bytes_of_chunk(object, chunk)}) != offer.table->chunks[chunk]) {
      ++chunks_refused;
      (void)links.send(to, data::Cannot{object, "it has changed since it was named"});
      if (told_changed) told_changed(object);
      return;
    }
    offer.sending->chunks.fetch_add(1);
    // Ends with the frame, or at once where that cannot be sent.
    const std::shared_ptr<const void> keep(static_cast<const void*>(bytes),
                                           [sending = offer.sending](const void*) {
                                             if (sending->chunks.fetch_sub(1) == 1)
                                               sending->idle.notify();
                                           });
    send_bytes(to, object, chunk, offer.data, keep);
  }

  void send_bytes(PeerId to, const ObjectId& object, std::uint32_t chunk, const std::byte* whole,
                  const std::shared_ptr<const void>& keep) {
    const std::size_t size = data::bytes_of_chunk(object, chunk);
    const std::span bytes(whole + std::size_t{chunk} * chunk_bytes, size);
    if (links.send(to, data::Chunk{object, chunk, bytes}, keep)) sent_bytes += size;
  }

  void take_chunk(PeerId from, const data::Chunk& chunk) {
    const auto found = fetches.find(chunk.object);
    if (found == fetches.end()) return;
    data::Fetch& fetch = *found->second;
    if (!fetch.take_chunk(from, chunk, now())) {
      ++chunks_refused;
      return;
    }
    received_bytes += chunk.bytes.size();
    const auto waiting = awaited.find(chunk.object);
    if (waiting != awaited.end()) {
      for (const Awaited& one : waiting->second) {
        if (one.chunk == chunk.index)
          send_bytes(one.peer, chunk.object, chunk.index, fetch.data(), fetch.owner());
      }
      std::erase_if(waiting->second, [&](const Awaited& one) { return one.chunk == chunk.index; });
      if (waiting->second.empty()) awaited.erase(waiting);
    }
    fetch.pump([this](PeerId peer) { return links.reaches(peer); },
               [this](PeerId peer, const data::DataMessage& m) { return links.send(peer, m); },
               now(), options.silence);
  }

  const Options options;
  const int wake_fd;
  std::map<ObjectId, Offer> offers;
  std::map<ObjectId, std::unique_ptr<data::Fetch>> fetches;
  std::map<ObjectId, std::vector<Awaited>> awaited;  // chunks that are on their way here
  std::map<ObjectId, std::vector<PeerId>> tables_awaited;
  std::function<void(const ObjectId&)> told_changed;
  std::atomic<std::uint64_t> sent_bytes{0}, received_bytes{0}, chunks_refused{0}, started{0};
  detail::Guarded<std::vector<std::function<void()>>> jobs;
  std::atomic<bool> woken{false}, stopped{false};
  detail::Event ran;
  data::DataLinks links;
  std::thread thread;
};

DataPlane::DataPlane(Options options) : state_(std::make_unique<State>(std::move(options))) {
  state_->thread = std::thread([state = state_.get()] { state->serve(); });
}

DataPlane::~DataPlane() {
  state_->post([this] { state_->stopped.store(true); });
  state_->thread.join();
}

PeerId DataPlane::self() const {
  return state_->options.self;
}

const std::string& DataPlane::public_key() const {
  return state_->options.keys.public_key;
}

const std::string& DataPlane::address() const {
  return state_->links.address();
}

void DataPlane::dial(const NodeAddress& node) {
  state_->post([state = state_.get(), node] { state->links.dial(node); });
}

void DataPlane::forget(PeerId peer) {
  state_->post([state = state_.get(), peer] {
    state->links.forget(peer);
    state->disconnected(peer);
    for (auto& [object, fetch] : state->fetches) fetch->source_gone(peer);
  });
}

void DataPlane::offer(std::shared_ptr<const ObjectTable> object, const std::byte* data,
                      std::shared_ptr<const void> owner) {
  auto sending = std::make_shared<Sending>();
  sending->owner = std::move(owner);
  state_->post(
      [state = state_.get(), object = std::move(object), data, sending = std::move(sending)] {
        state->offers.insert_or_assign(object->id, State::Offer{object, data, sending});
      });
}

void DataPlane::withdraw(const ObjectId& object) {
  std::shared_ptr<Sending> sending;
  state_->run([&] {
    const auto offer = state_->offers.extract(object);
    if (!offer.empty()) sending = offer.mapped().sending;
  });
  if (sending != nullptr) sending->idle.wait([&] { return sending->chunks.load() == 0; });
}

void DataPlane::fetch(const ObjectId& object, std::byte* destination, std::shared_ptr<void> owner,
                      std::vector<PeerId> sources, OnFetched on_fetched) {
  ++state_->started;
  state_->post([state = state_.get(), object, destination, owner = std::move(owner),
                sources = std::move(sources), on_fetched = std::move(on_fetched)]() mutable {
    const auto window = static_cast<std::uint32_t>(state->options.window_bytes / chunk_bytes);
    state->fetches[object] =
        std::make_unique<data::Fetch>(object, destination, std::move(owner), std::move(sources),
                                      window, std::move(on_fetched), now());
  });
}

void DataPlane::add_source(const ObjectId& object, PeerId source) {
  state_->post([state = state_.get(), object, source] {
    const auto fetch = state->fetches.find(object);
    if (fetch != state->fetches.end()) fetch->second->add_source(source);
  });
}

void DataPlane::cancel_fetch(const ObjectId& object) {
  state_->run([&] {
    const auto fetch = state_->fetches.extract(object);
    if (!fetch.empty()) fetch.mapped()->tell(Status(StatusCode::cancelled, "it is not wanted"));
  });
}

void DataPlane::on_changed(std::function<void(const ObjectId&)> told) {
  state_->run([&] { state_->told_changed = std::move(told); });
}

DataPlane::Counters DataPlane::counters() const {
  return {state_->sent_bytes.load(), state_->received_bytes.load(), state_->chunks_refused.load(),
          state_->links.banned(), state_->started.load()};
}

}  // namespace paracord::cluster
