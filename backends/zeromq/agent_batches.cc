// NodeAgent: calls, and their batches from assignment to end.

#include <algorithm>

#include "paracord/backends/zeromq/agent_state.h"

namespace paracord::cluster {

namespace {

std::string number_text(PeerId id) {
  return std::to_string(id);
}

}  // namespace

void NodeAgent::State::open(const NodeCall& about) {
  const CallKey key{about.client, about.call.call};
  if (ending.contains(key)) {
    // Its client was thought lost, and has come back before all had ended.
    reopened.insert_or_assign(key, about);
    return;
  }
  if (calls.contains(key)) return;
  std::map<std::string, std::string> environment = options.worker_environment;
  environment["PARACORD_ROOT_CLIENT"] = number_text(about.root);
  environment["PARACORD_NODE"] = number_text(plane->self());
  roots[about.client] = about.root;
  try {
    calls[key] = std::make_unique<AgentCall>(
        about, slots, most_parked, std::move(environment),
        [this, key](const Observer::WorkerOutput& output) {
          TaskOutput printed{
              key.first,  key.second,      {},         static_cast<std::uint32_t>(output.worker),
              output.pid, output.is_error, output.text};
          mail.with([&](Mail& waiting) { waiting.printed.push_back(std::move(printed)); });
          if (!mail_waits.exchange(true)) control.wake();
          return true;
        },
        [this] { post([this] { pump_due = true; }); });
  } catch (const std::exception& error) {
    if (options.log) options.log(std::string("a call cannot be read: ") + error.what());
    calls.erase(key);
    return;
  }
  prepare_program(key);
}

// False: the call has ended meanwhile, or was opened anew and has its program already.
bool NodeAgent::State::program_ready(const CallKey& key, Status status,
                                     const ProgramCache::Ready& program) {
  const auto found = calls.find(key);
  if (found == calls.end() || found->second->state() != AgentCall::State::preparing) return false;
  AgentCall& call = *found->second;
  if (status.ok()) {
    call.begin(program);
    if (call.state() != AgentCall::State::ready && !program.libraries.empty())
      release_program(call.setup().program);
  } else {
    call.refuse(status.message());
  }
  if (call.state() == AgentCall::State::ready) {
    pump_due = true;
    return true;
  }
  const std::string refusal = call.refusal();
  std::vector<Attempt> refused_batches;
  for (const auto& [attempt, one] : running) {
    if (one.call == key && !one.submitted) refused_batches.push_back(attempt);
  }
  for (const Attempt& attempt : refused_batches) finish(attempt, refusal);
  return true;
}

// The call goes when its last batch has come to its end.
void NodeAgent::State::end(const CallKey& key) {
  if (!calls.contains(key)) return;
  ending.insert(key);
  std::vector<Attempt> left;
  for (const auto& [attempt, one] : running) {
    if (one.call == key) left.push_back(attempt);
  }
  for (const Attempt& attempt : left) stop(attempt);
  const auto found = calls.find(key);
  if (found == calls.end() || found->second->batches() != 0) return;
  const Program program = found->second->setup().program;
  const bool prepared = found->second->state() == AgentCall::State::ready;
  const PeerId root = found->second->about().root;
  calls.erase(found);
  borrowed.erase(key);
  ending.erase(key);
  if (prepared && !program.files.empty()) release_program(program);
  if (const auto again = reopened.extract(key); !again.empty()) open(again.mapped());
  retire_workers(root);
  pump_due = true;
}

void NodeAgent::State::end_client(PeerId client) {
  std::vector<CallKey> keys;
  for (const auto& [key, call] : calls) {
    if (key.first == client) keys.push_back(key);
  }
  for (const CallKey& key : keys) end(key);
  borrowed_files.forget(client);
  const std::set<ObjectId> objects = std::exchange(objects_of[client], {});
  objects_of.erase(client);
  for (const ObjectId& object : objects) {
    const bool wanted = std::any_of(objects_of.begin(), objects_of.end(), [&](const auto& other) {
      return other.second.contains(object);
    });
    if (!wanted) store.erase(object);
  }
  const auto known = roots.extract(client);
  if (known.empty()) return;
  gone.insert(known.mapped());
  retire_workers(known.mapped());
}

// They serve all calls of a root: its own and those inside its tasks, whose clients are workers
// themselves. So they retire when one of these is gone and nothing else of the root runs here. If
// the root has gone on after all, others are started.
void NodeAgent::State::retire_workers(PeerId root) {
  const bool at_work = std::any_of(calls.begin(), calls.end(), [&](const auto& call) {
    return call.second->about().root == root;
  });
  if (at_work || gone.erase(root) == 0) return;
  const std::string mark = "PARACORD_ROOT_CLIENT=" + number_text(root);
  detail::ProcessPool::instance().retire([&](const detail::WorkerSpec& spec) {
    return std::find(spec.environment.begin(), spec.environment.end(), mark) !=
           spec.environment.end();
  });
}

void NodeAgent::State::run(Assign assign) {
  const Attempt attempt = assign.attempt;
  const CallKey key{assign.client, assign.batch.call};
  const auto call = calls.find(key);
  Running& one = running[attempt];
  one.call = key;
  if (call == calls.end()) return finish(attempt, "the node cannot read what the call is about");
  if (call->second->state() == AgentCall::State::refused)
    return finish(attempt, call->second->refusal());
  const PeerId client = assign.client;
  try {
    one.batch = std::make_unique<AgentBatch>(
        std::move(assign), options.name, call->second->setup().timed,
        [this](EndedTask task, bool is_last) {
          mail.with([&](Mail& waiting) { waiting.ended.push_back(std::move(task)); });
          // The last one's result goes with the end of the batch, which follows: in one packet.
          if (!is_last && !mail_waits.exchange(true)) control.wake();
        });
    if (const auto& object = one.batch->payload_object()) {
      obtain(*object, client, {}, [this, attempt](Status status, Held held) {
        open_payload(attempt, std::move(status), std::move(held));
      });
      return;
    }
    const Bytes& payload = one.batch->assign().batch.payload;
    one.batch->open(std::as_bytes(std::span(*payload)), payload);
  } catch (const std::exception& error) {
    return finish(attempt, error.what());
  }
  gather(attempt);
}

void NodeAgent::State::open_payload(const Attempt& attempt, Status status, Held held) {
  const auto found = running.find(attempt);
  if (found == running.end()) return;
  if (!status.ok()) return finish(attempt, "");
  try {
    found->second.batch->open({held->data, found->second.batch->payload_object()->bytes}, held);
  } catch (const std::exception& error) {
    return finish(attempt, error.what());
  }
  gather(attempt);
}

// All that it needs; then it is ready.
void NodeAgent::State::gather(const Attempt& attempt) {
  Running& one = running.at(attempt);
  AgentCall& call = *calls.at(one.call);
  const Assign& assign = one.batch->assign();
  one.missing = 1;  // this function
  // Each object once; and, where tasks write, each place at which the client has it.
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::vector<std::size_t>> wanted;
  const std::vector<ReferencePlace>& references = one.batch->contents().references;
  for (std::size_t i = 0; i != references.size(); ++i) {
    const ReferencePlace& reference = references[i];
    const bool reads = reference.access == MemoryAccess::read_only;
    const std::uint64_t written_at = reads ? 0 : reference.address - reference.offset;
    wanted[{reference.object, written_at}].push_back(i);
  }
  const auto memory =
      std::make_shared<std::vector<std::shared_ptr<detail::Buffer>>>(references.size());
  for (const auto& [place, referring] : wanted) {
    ++one.missing;
    borrow_or_obtain(one.call, assign.batch.needs[place.first], place.second, assign.sources,
                     [this, attempt, memory, referring](Status status, const Held& held) {
                       for (const std::size_t i : referring) (*memory)[i] = held;
                       gathered(attempt, std::move(status));
                     });
  }
  for (const ModuleUse& module : one.batch->contents().modules) {
    if (module.content.bytes == 0) {
      call.learn_module(module, "");
      continue;
    }
    ++one.missing;
    const ProgramFile file{std::to_string(module.number), module.content, module.sha256};
    fetch_file(file, assign.client, [this, attempt, module, file](const Status& status) {
      const auto found = running.find(attempt);
      if (found != running.end() && calls.contains(found->second.call))
        calls.at(found->second.call)->learn_module(module, programs.path_of(file));
      gathered(attempt, status);
    });
  }
  const auto found = running.find(attempt);
  if (found == running.end()) return;
  found->second.memory = memory;
  gathered(attempt, Status());
}

void NodeAgent::State::gathered(const Attempt& attempt, Status status) {
  const auto found = running.find(attempt);
  if (found == running.end()) return;
  Running& one = found->second;
  if (!status.ok() && one.trouble.ok()) one.trouble = std::move(status);
  if (--one.missing != 0) return;
  if (!one.trouble.ok()) {
    // What was lost on its way may be had another time; what this node cannot do, it never can.
    const bool lost =
        one.trouble.code() == StatusCode::lost || one.trouble.code() == StatusCode::cancelled;
    return finish(attempt, lost ? "" : one.trouble.message());
  }
  one.batch->use(*one.memory);
  one.ready = true;
  ready.push_back(attempt);
  pump_due = true;
}

void NodeAgent::State::submit(const Attempt& attempt) {
  Running& one = running.at(attempt);
  one.submitted = true;
  ++busy;
  calls.at(one.call)->submit(*one.batch, [this, attempt](Status status) {
    post([this, attempt, status = std::move(status)] { backend_done(attempt, status); });
  });
}

void NodeAgent::State::stop(const Attempt& attempt) {
  const auto found = running.find(attempt);
  if (found == running.end()) return;
  Running& one = found->second;
  one.stopped = true;
  if (one.batch != nullptr) one.batch->forget();
  if (!one.submitted) return finish(attempt, "");
  if (!one.over) calls.at(one.call)->backend().withdraw(*one.batch, true);
}

void NodeAgent::State::give_back(const Attempt& attempt) {
  const auto found = running.find(attempt);
  if (found == running.end()) return;
  Running& one = found->second;
  if (!one.submitted) return finish(attempt, "");
  if (one.over || calls.at(one.call)->backend().withdraw(*one.batch, false)) return;
  // It runs. The scheduler cannot know in which order batches begin here, and wants one that waits:
  // the youngest of the same call.
  for (auto other = running.rbegin(); other != running.rend(); ++other) {
    Running& waits = other->second;
    if (waits.call != one.call || waits.stopped || waits.parked || waits.over) continue;
    if (&waits == &one || !waits.submitted) continue;
    if (calls.at(one.call)->backend().withdraw(*waits.batch, false)) return;
  }
}

void NodeAgent::State::lend(const Attempt& attempt, bool begins) {
  const auto found = running.find(attempt);
  if (found == running.end()) return;
  Running& one = found->second;
  if (!one.submitted || one.over || one.parked == begins) return;
  one.parked = begins;
  busy += begins ? -1 : 1;
  calls.at(one.call)->backend().park(one.batch->assignment(), begins);
  pump_due = true;
}

// The backend has completed it. Its results may still want names.
void NodeAgent::State::backend_done(const Attempt& attempt, const Status& status) {
  Running& one = running.at(attempt);
  one.over = true;
  if (one.parked) {
    calls.at(one.call)->backend().park(one.batch->assignment(), false);
  } else {
    --busy;
  }
  calls.at(one.call)->over();
  if (status.code() == StatusCode::unavailable) one.refusal = status.message();
  if (one.unnamed == 0) finish(attempt, one.refusal);
}

void NodeAgent::State::finish(const Attempt& attempt, const std::string& refusal) {
  const auto found = running.find(attempt);
  const CallKey key = found->second.call;
  std::uint32_t next = 0;
  std::int64_t ran = 0;
  if (found->second.batch != nullptr) {
    next = found->second.batch->next();
    ran = found->second.batch->ran_nanoseconds();
  }
  write_results();
  ledger.batch_over(attempt, next, ran, refusal);
  std::erase(ready, attempt);
  running.erase(found);
  if (ending.contains(key)) return end(key);
  pump_due = true;
}

}  // namespace paracord::cluster
