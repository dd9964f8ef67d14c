// NodeAgent: what batches need before they can run: objects, and the client's program.

#include <sys/utsname.h>
#include <unistd.h>

#include <utility>

#include "paracord/backends/zeromq/agent_state.h"
#include "paracord/backends/zeromq/shared_buffer.h"

namespace paracord::cluster {

namespace {

// Smaller objects are fetched as fast as they are found.
constexpr std::uint64_t least_borrowed = std::uint64_t{1} << 20;

// Whether a program that was made for another machine would not even start here.
Status check_machine(const Program& program) {
  utsname machine{};
  uname(&machine);
  if (program.architecture.empty() || program.architecture == machine.machine) return Status();
  return Status(StatusCode::unavailable, "the program " + program.name + " was built for " +
                                             program.architecture + ", and this node is " +
                                             machine.machine +
                                             "; name an executable of the node's own with "
                                             "worker_binary");
}

}  // namespace

void NodeAgent::State::obtain(const ObjectId& object, PeerId client,
                              const std::vector<ObjectSources>& sources, Then then) {
  objects_of[client].insert(object);
  const auto fetching = fetches.find(object);
  std::vector<PeerId> peers{client};
  for (const ObjectSources& known : sources) {
    if (known.object != object) continue;
    for (const NodeAddress& node : known.nodes) {
      plane->dial(node);
      peers.push_back(node.node);
    }
  }
  if (fetching != fetches.end()) {
    Fetch& fetch = fetching->second;
    fetch.waiting.push_back(std::move(then));
    for (const PeerId peer : peers) plane->add_source(object, peer);
    fetch.sources.insert(fetch.sources.end(), peers.begin(), peers.end());
    return;
  }
  try {
    if (Held held = store.find(object)) return then(Status(), std::move(held));
    Fetch& fetch = fetches[object];
    fetch.client = client;
    fetch.waiting.push_back(std::move(then));
    fetch.sources = std::move(peers);
    begin_fetch(object, ObjectStore::Room::when_filled);
  } catch (const std::exception& error) {
    const Status status(StatusCode::unavailable, error.what());
    if (!fetches.contains(object)) return then(status, nullptr);
    post([this, object, status] { fetched(object, status, nullptr); });
  }
}

void NodeAgent::State::begin_fetch(const ObjectId& object, ObjectStore::Room room) {
  Fetch& fetch = fetches.at(object);
  fetch.destination.reset();  // so that its place is free
  fetch.destination = store.make(object, room);
  fetch.has_room = room == ObjectStore::Room::at_once;
  plane->fetch(object, destination_in(fetch.destination), fetch.sources,
               [this, object](Status status, std::shared_ptr<const ObjectTable> table) {
                 post([this, object, status = std::move(status), table = std::move(table)] {
                   fetched(object, status, table);
                 });
               });
}

// What the client has in a file on this machine is looked at there, or written to: where the object
// is a copy of what the client has at `written_at` (0: it is not).
void NodeAgent::State::borrow_or_obtain(const CallKey& key, const ObjectId& object,
                                        std::uint64_t written_at,
                                        const std::vector<ObjectSources>& sources, Then then) {
  const bool to_write = written_at != 0;
  const ObjectId name = to_write ? name_of_memory(object, written_at) : object;
  const auto known = borrowed.find(key);
  if (known != borrowed.end() && known->second.contains(name))
    return then(Status(), known->second.at(name));
  if (!to_write && (object.bytes < least_borrowed || fetches.contains(object)))
    return obtain(object, key.first, sources, std::move(then));
  plane->find_file(
      name, key.first,
      [this, key, object, name, to_write, sources,
       then = std::move(then)](const std::optional<NeighbourFile>& file) mutable {
        post([this, key, object, name, to_write, sources, file, then = std::move(then)] {
          if (!calls.contains(key)) return then(Status(StatusCode::cancelled, "it is over"), {});
          if (file) {
            if (Held held = borrow(key, name, *file, to_write))
              return then(Status(), std::move(held));
          }
          obtain(object, key.first, sources, then);
        });
      });
}

NodeAgent::State::Held NodeAgent::State::borrow(const CallKey& key, const ObjectId& name,
                                                const NeighbourFile& file, bool to_write) {
  Held& held = borrowed[key][name];
  if (held == nullptr) {
    held = borrowed_files.map(key.first, file, static_cast<std::size_t>(name.bytes), to_write);
    if (held != nullptr) borrowed_bytes += name.bytes;
  }
  if (held != nullptr) return held;
  borrowed[key].erase(name);
  return nullptr;
}

void NodeAgent::State::fetched(const ObjectId& object, Status status,
                               std::shared_ptr<const ObjectTable> table) {
  const auto known = fetches.find(object);
  if (known == fetches.end()) return;
  // Shared memory was full after all; there may be some in another folder.
  if (status.code() == StatusCode::unavailable && !known->second.has_room) {
    try {
      return begin_fetch(object, ObjectStore::Room::at_once);
    } catch (const std::exception& error) {
      status = Status(StatusCode::unavailable, error.what());
    }
  }
  auto fetch = fetches.extract(known);
  const Held held = std::move(fetch.mapped().destination);
  if (status.ok()) {
    store.complete(object);
    // Not kept by the offer: what nobody uses may leave the store, which withdraws it first.
    stored_offers.insert_or_assign(object, offers.add(table, held->data, nullptr));
    ledger.have({object});
  } else {
    store.erase(object);
  }
  for (const Then& then : fetch.mapped().waiting) then(status, status.ok() ? held : nullptr);
}

// The file's content, verified and kept.
void NodeAgent::State::fetch_file(const ProgramFile& file, PeerId client,
                                  std::function<void(Status)> then) {
  background->run([this, file, client, then = std::move(then)] {
    if (programs.has(file)) return post([then] { then(Status()); });
    post([this, file, client, then] {
      obtain(file.content, client, {}, [this, file, client, then](Status status, Held held) {
        if (!status.ok()) return then(status);
        background->run([this, file, then, held, client] {
          const Status added = programs.add(file, {held->data, file.content.bytes});
          post([this, then, added, client, content = file.content] {
            // Kept as a file from now on.
            objects_of[client].erase(content);
            store.erase(content);
            then(added);
          });
        });
      });
    });
  });
}

void NodeAgent::State::release_program(const Program& program) {
  if (programs.release(program)) background->run([this] { programs.tidy(); });
}

void NodeAgent::State::prepare_program(const CallKey& key) {
  const Program& program = calls.at(key)->setup().program;
  if (program.embedded != 0 && program.embedded == options.embedded) {
    (void)program_ready(key, Status(), {});
    return;
  }
  if (Status status = check_machine(program); !status.ok()) {
    (void)program_ready(key, std::move(status), {});
    return;
  }
  if (!program.worker_binary.empty()) {
    Status status;
    if (access(program.worker_binary.c_str(), X_OK) != 0) {
      status =
          Status(StatusCode::unavailable, "the worker binary " + program.worker_binary +
                                              " cannot be executed on the node " + options.name);
    }
    (void)program_ready(key, std::move(status), {program.worker_binary, ""});
    return;
  }
  if (program.files.empty()) {
    (void)program_ready(
        key, Status(StatusCode::unavailable, "the client has sent no program with its call"), {});
    return;
  }
  if (const auto there = programs.take(program)) {
    (void)program_ready(key, Status(), *there);
    return;
  }
  const auto left = std::make_shared<std::size_t>(program.files.size());
  const auto trouble = std::make_shared<Status>();
  for (const ProgramFile& file : program.files) {
    fetch_file(file, key.first, [this, key, program, left, trouble](Status status) {
      if (!status.ok()) *trouble = std::move(status);
      if (--*left != 0) return;
      if (!trouble->ok()) {
        (void)program_ready(key, *trouble, {});
        return;
      }
      background->run([this, key, program] {
        ProgramCache::Ready made;
        Status done = programs.prepare(program, made);
        post([this, key, program, done = std::move(done), made] {
          if (program_ready(key, done, made) || !done.ok()) return;
          release_program(program);
        });
      });
    });
  }
}

}  // namespace paracord::cluster
