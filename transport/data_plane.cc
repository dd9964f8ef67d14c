#include "paracord/transport/data_plane.h"

#include <algorithm>
#include <utility>

#include "paracord/core/service_thread.h"
#include "paracord/transport/clock.h"
#include "paracord/transport/data_plane_state.h"

namespace paracord::cluster {

namespace {

// While something is on its way, stalls are looked for; else only lost connections are.
constexpr Time busy_wait = std::chrono::milliseconds(50);
constexpr Time idle_wait = std::chrono::milliseconds(500);
constexpr Time offer_follows = std::chrono::seconds(1);

}  // namespace

DataPlane::State::State(Options given)
    : options(std::move(given)),
      links(options, {[this](PeerId from, data::DataMessage& message) { handle(from, message); },
                      [this](PeerId peer) {
                        for (auto& [object, fetch] : fetches) fetch->source_connected(peer, now());
                        ask_places_of(peer);
                      },
                      [this](PeerId peer) { disconnected(peer); },
                      [this](PeerId peer, const std::string& why) { refused(peer, why); },
                      [this](PeerId peer, const std::string& why) {
                        if (told_unreachable) told_unreachable(peer, why);
                      }}) {}

void DataPlane::State::post(std::function<void()> job) {
  jobs.with([&](auto& waiting) { waiting.push_back(std::move(job)); });
  waker->wake();
}

void DataPlane::State::run(const std::function<void()>& job) {
  if (std::this_thread::get_id() == thread.get_id()) return job();
  // Shared: who waits may go on before the plane's thread is through with telling it.
  const auto done = std::make_shared<std::atomic<bool>>(false);
  post([this, &job, done] {
    job();
    done->store(true);
    ran.notify();
  });
  ran.wait([&] { return done->load(); });
}

Time DataPlane::State::longest_wait() const {
  const bool is_idle = fetches.empty() && between.empty() && searches.empty() && outbox.is_empty();
  return is_idle ? idle_wait : busy_wait;
}

void DataPlane::State::serve() {
  while (!stopped.load()) {
    links.turn(waker->fd(), longest_wait(), now(), [this] {
      waker->clear();
      for (const auto& job : jobs.with([](auto& waiting) { return std::exchange(waiting, {}); }))
        job();
    });
    pump_all();
    outbox.pump([this](PeerId peer, const data::Outbox::Item& item,
                       const data::Outbox::Turn& turn) { return send_chunk(peer, item, turn); });
    end_fetches();
    end_between();
    end_late_searches();
  }
}

void DataPlane::State::pump(data::Fetch& fetch) {
  fetch.tell_listeners();
  fetch.pump(now());
}

void DataPlane::State::pump_all() {
  for (auto& [object, fetch] : fetches) pump(*fetch);
}

// Whom it is told may begin another one.
void DataPlane::State::end_fetches() {
  std::vector<ObjectId> ended;
  for (const auto& [object, fetch] : fetches) {
    if (fetch->state() != data::Fetch::State::running) ended.push_back(object);
  }
  for (const ObjectId& object : ended) {
    const auto node = fetches.extract(object);
    if (node.empty()) continue;  // somebody who was told has called it off
    end(*node.mapped());
    leave(*node.mapped());
  }
}

void DataPlane::State::end(data::Fetch& fetch) {
  const ObjectId object = fetch.object();
  if (fetch.state() == data::Fetch::State::done) {
    if (!offers.contains(object)) between[object].ends = now() + offer_follows;
    return fetch.tell(Status());
  }
  outbox.drop_object(object);
  for (const PeerId peer : fetch.listeners()) cannot(peer, object, "it did not get here");
  fetch.tell(fetch.failure());
}

void DataPlane::State::end_between() {
  std::erase_if(between, [this](const auto& entry) {
    const auto& [object, over] = entry;
    if (now() < over.ends) return false;
    std::set<PeerId> peers = over.listeners;
    for (const auto& [peer, chunk] : over.wanted) peers.insert(peer);
    for (const PeerId peer : peers) cannot(peer, object, "it is not here");
    return true;
  });
}

void DataPlane::State::add_offer(Offer offer) {
  const ObjectId object = offer.table->id;
  offers.insert_or_assign(object, std::move(offer));
  const auto over = between.extract(object);
  if (over.empty()) return;
  for (const PeerId peer : over.mapped().listeners) give_table(peer, {object, 0});
  for (const auto& [peer, chunk] : over.mapped().wanted) outbox.add(peer, {object, chunk});
}

std::shared_ptr<DataPlane::State::Sending> DataPlane::State::remove_offer(const ObjectId& object) {
  const auto offer = offers.extract(object);
  if (offer.empty()) return nullptr;
  if (!fetches.contains(object)) {
    for (const PeerId peer : outbox.drop_object(object))
      cannot(peer, object, "it is not here any more");
  }
  return offer.mapped().sending;
}

void DataPlane::State::begin(data::Fetch::Setup setup) {
  const ObjectId object = setup.object;
  if (fetches.contains(object) || waiting.contains(object)) {
    return setup.on_fetched(
        Status(StatusCode::invalid_argument,
               "the object is being fetched already; use add_source() for further sources"),
        nullptr);
  }
  if (object.bytes > options.largest_object) {
    return setup.on_fetched(
        Status(StatusCode::invalid_argument,
               "an object of " + std::to_string(object.bytes) + " bytes is larger than the " +
                   std::to_string(options.largest_object) + " that may be fetched"),
        nullptr);
  }
  const PeerId line = setup.line = setup.sources.empty() ? 0 : setup.sources.front();
  lines[line].order.push_back(object);
  waiting.emplace(object, std::move(setup));
  start_next(line);
}

void DataPlane::State::start_next(PeerId number) {
  const auto found = lines.find(number);
  if (found == lines.end()) return;
  Line& line = found->second;
  while (line.running < most_asked && !line.order.empty()) {
    // One that was called off, and is wanted anew, may wait in another line.
    const auto next = waiting.find(line.order.front());
    line.order.pop_front();
    if (next != waiting.end() && next->second.line == number) start_now(next);
  }
  if (line.running == 0 && line.order.empty()) lines.erase(found);
}

void DataPlane::State::start_now(std::map<ObjectId, data::Fetch::Setup>::iterator waits) {
  auto next = waiting.extract(waits);
  ++lines[next.mapped().line].running;
  start(std::move(next.mapped()));
}

void DataPlane::State::start(data::Fetch::Setup setup) {
  const ObjectId object = setup.object;
  const std::vector<PeerId> sources = setup.sources;
  auto fetch = std::make_unique<data::Fetch>(std::move(setup), now());
  // It was here a moment ago, and comes again for those who asked meanwhile.
  if (const auto over = between.extract(object); !over.empty()) {
    for (const PeerId peer : over.mapped().listeners) fetch->add_listener(peer);
    for (const auto& [peer, chunk] : over.mapped().wanted)
      cannot(peer, object, "it is not here any more");
  }
  for (const PeerId peer : sources) {
    if (const std::string why = links.trouble(peer); !why.empty()) fetch->source_gone(peer, why);
  }
  pump(*(fetches[object] = std::move(fetch)));
}

void DataPlane::State::leave(const data::Fetch& fetch) {
  --lines[fetch.line()].running;
  start_next(fetch.line());
}

void DataPlane::State::cancel(const ObjectId& object, const std::string& why) {
  if (const auto waits = waiting.extract(object); !waits.empty())
    return waits.mapped().on_fetched(Status(StatusCode::cancelled, why), nullptr);
  const auto node = fetches.extract(object);
  if (node.empty()) return;
  if (!offers.contains(object)) outbox.drop_object(object);
  for (const PeerId peer : node.mapped()->listeners())
    cannot(peer, object, "it is not wanted here");
  node.mapped()->tell(Status(StatusCode::cancelled, why));
  leave(*node.mapped());
}

DataPlane::DataPlane(Options options) : state_(std::make_unique<State>(std::move(options))) {
  state_->thread = detail::service_thread([state = state_.get()] { state->serve(); });
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

void DataPlane::use_relay(const std::string& address) {
  state_->post([state = state_.get(), address] { state->links.use_relay(address); });
}

void DataPlane::wait_for_losses(Time silence) {
  state_->post([state = state_.get(), silence] { state->links.wait_for_losses(silence); });
}

void DataPlane::forget(PeerId peer) {
  state_->post([state = state_.get(), peer] {
    state->links.forget(peer);
    state->disconnected(peer);
    state->refused(peer, "the peer " + std::to_string(peer) + " is gone");
  });
}

void DataPlane::offer(std::shared_ptr<const ObjectTable> object, const std::byte* data,
                      std::shared_ptr<const void> owner, const FilePlace& place) {
  auto sending = std::make_shared<State::Sending>();
  sending->owner = std::move(owner);
  state_->post([state = state_.get(), offer = State::Offer{std::move(object), data,
                                                           std::move(sending), place}]() mutable {
    state->add_offer(std::move(offer));
  });
}

void DataPlane::offer_instead(std::shared_ptr<const ObjectTable> object, const std::byte* data,
                              std::shared_ptr<const void> owner, const FilePlace& place) {
  auto sending = std::make_shared<State::Sending>();
  sending->owner = std::move(owner);
  std::shared_ptr<State::Sending> former;
  state_->run([&] {
    const auto offer = state_->offers.find(object->id);
    if (offer != state_->offers.end()) former = offer->second.sending;
    state_->add_offer({object, data, std::move(sending), place});
  });
  if (former != nullptr) former->wait();
}

void DataPlane::withdraw(const ObjectId& object) {
  std::shared_ptr<State::Sending> sending;
  state_->run([&] { sending = state_->remove_offer(object); });
  if (sending != nullptr) sending->wait();
}

void DataPlane::fetch(const ObjectId& object, Destination destination, std::vector<PeerId> sources,
                      OnFetched on_fetched) {
  ++state_->started;
  State* const state = state_.get();
  data::Fetch::Setup setup;
  setup.self = state->options.self;
  setup.object = object;
  setup.destination = std::move(destination);
  setup.sources = std::move(sources);
  setup.window_chunks = static_cast<std::uint32_t>(
      std::max<std::size_t>(state->options.window_bytes / chunk_bytes, 1));
  setup.silence = state->options.silence;
  setup.on_fetched = std::move(on_fetched);
  setup.reaches = [state](PeerId peer) { return state->links.reaches(peer); };
  setup.send = [state](PeerId peer, const data::DataMessage& m) {
    return state->links.send(peer, m);
  };
  state->post([state, setup = std::move(setup)]() mutable { state->begin(std::move(setup)); });
}

void DataPlane::add_source(const ObjectId& object, PeerId source) {
  state_->post([state = state_.get(), object, source] {
    const auto fetch = state->fetches.find(object);
    if (fetch != state->fetches.end()) return fetch->second->add_source(source, now());
    const auto waits = state->waiting.find(object);
    if (waits != state->waiting.end()) waits->second.sources.push_back(source);
  });
}

void DataPlane::find_file(const ObjectId& object, PeerId peer, OnFile on_file) {
  state_->post([state = state_.get(), object, peer, on_file = std::move(on_file)]() mutable {
    state->search(object, peer, std::move(on_file));
  });
}

void DataPlane::cancel_fetch(const ObjectId& object) {
  state_->run([&] { state_->cancel(object, "it is not wanted"); });
}

void DataPlane::on_changed(std::function<void(const ObjectId&)> told) {
  state_->run([&] { state_->told_changed = std::move(told); });
}

void DataPlane::on_unreachable(std::function<void(PeerId, const std::string&)> told) {
  state_->run([&] { state_->told_unreachable = std::move(told); });
}

DataPlane::Counters DataPlane::counters() const {
  return {state_->sent_bytes.load(), state_->received_bytes.load(), state_->chunks_refused.load(),
          state_->links.banned(), state_->started.load()};
}

}  // namespace paracord::cluster
