// Packets to Cap'n Proto.

#include <capnp/message.h>
#include <capnp/serialize.h>

#include <transport/protocol.capnp.h>
#include "paracord/transport/packet_codec.h"

namespace paracord::cluster {

namespace {

// What a batch takes besides its payload: the first segment is made large enough for all.
constexpr std::size_t usual_message_words = 48;

capnp::Data::Reader data_of(const std::string& bytes) {
  return {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()};
}

capnp::Data::Reader data_of(const Bytes& bytes) {
  return data_of(*bytes);
}

void put(wire::Attempt::Builder out, const Attempt& attempt) {
  out.setEpoch(attempt.epoch);
  out.setCounter(attempt.counter);
}

void put(wire::ObjectId::Builder out, const ObjectId& object) {
  out.setFirst(object.digest[0]);
  out.setSecond(object.digest[1]);
  out.setBytes(object.bytes);
}

void put(wire::NodeAddress::Builder out, const NodeAddress& node) {
  out.setNode(node.node);
  out.setName(node.name);
  out.setDataAddress(node.data_address);
  out.setDataKey(node.data_key);
}

void put(wire::OpenCall::Builder out, const OpenCall& call);
void put(wire::ExpectedBatch::Builder out, const ExpectedBatch& batch);
void put(wire::HeldBatch::Builder out, const HeldBatch& batch);
void put(wire::ObjectSources::Builder out, const ObjectSources& sources);
void put(wire::Failure::Builder out, const NodeReport::Failure& failure);

template <class List, class Values>
void put_all(List out, const Values& values) {
  unsigned i = 0;
  for (const auto& value : values) put(out[i++], value);
}

template <class List, class Values>
void set_all(List out, const Values& values) {
  unsigned i = 0;
  for (const auto& value : values) out.set(i++, value);
}

template <class Values>
unsigned count_of(const Values& values) {
  return static_cast<unsigned>(values.size());
}

void put(wire::OpenCall::Builder out, const OpenCall& call) {
  out.setCall(call.call);
  out.setPriority(call.priority);
  out.setNestingLevel(call.nesting_level);
  put(out.initParent(), call.parent);
  out.setParentNode(call.parent_node);
  out.setMostAtOnce(call.most_at_once);
  out.setLabel(call.label);
  out.setSetup(data_of(call.setup));
}

void put(wire::Submit::Builder out, const Submit& batch) {
  out.setBatch(batch.batch);
  out.setCall(batch.call);
  out.setCount(batch.count);
  out.setLosses(batch.losses);
  out.setPayload(data_of(batch.payload));
  put_all(out.initNeeds(count_of(batch.needs)), batch.needs);
  if (!batch.label.empty()) out.setLabel(batch.label);
}

void put(wire::ExpectedBatch::Builder out, const ExpectedBatch& batch) {
  out.setBatch(batch.batch);
  out.setCall(batch.call);
  out.setCount(batch.count);
  put(out.initAttempt(), batch.attempt);
  out.setNode(batch.node);
}

void put(wire::HeldBatch::Builder out, const HeldBatch& batch) {
  out.setClient(batch.client);
  out.setBatch(batch.batch);
  put(out.initAttempt(), batch.attempt);
  out.setOver(batch.over);
}

void put(wire::ObjectSources::Builder out, const ObjectSources& sources) {
  put(out.initObject(), sources.object);
  put_all(out.initNodes(count_of(sources.nodes)), sources.nodes);
}

using Out = wire::Message::Builder;

void put(Out out, const Heartbeat&) {
  out.setHeartbeat();
}
void put(Out out, const Goodbye&) {
  out.setGoodbye();
}
void put(Out out, const ClientHello& hello) {
  auto to = out.initClientHello();
  to.setProtocol(hello.protocol);
  to.setOldestProtocol(hello.protocol);
  to.setClient(hello.client);
  to.setRoot(hello.root);
  to.setWeight(hello.weight);
  to.setName(hello.name);
  to.setKnownEpoch(hello.known_epoch);
  set_all(to.initKnownNodes(count_of(hello.known_nodes)), hello.known_nodes);
  put_all(to.initCalls(count_of(hello.calls)), hello.calls);
  put_all(to.initExpected(count_of(hello.expected)), hello.expected);
}
void put(Out out, const OpenCall& call) {
  put(out.initOpenCall(), call);
}
void put(Out out, const Submit& batch) {
  put(out.initSubmit(), batch);
}
void put(Out out, const CancelCall& cancel) {
  out.setCancelCall(cancel.call);
}
void put(Out out, const CloseCall& close) {
  out.setCloseCall(close.call);
}
void put(Out out, const Acknowledge& ack) {
  auto to = out.initAcknowledge();
  to.setNode(ack.node);
  put(to.initAttempt(), ack.attempt);
  set_all(to.initTasks(count_of(ack.tasks)), ack.tasks);
}
void put(Out out, const Waiting& waiting) {
  auto to = out.initWaiting();
  to.setCall(waiting.call);
  to.setBegins(waiting.begins);
}
void put(Out out, const ToCome& rest) {
  auto to = out.initToCome();
  to.setCall(rest.call);
  to.setTasks(rest.tasks);
}
void put(Out out, const NodeHello& hello) {
  auto to = out.initNodeHello();
  to.setProtocol(hello.protocol);
  to.setOldestProtocol(hello.protocol);
  to.setNode(hello.node);
  to.setName(hello.name);
  to.setSlots(hello.slots);
  to.setMostParked(hello.most_parked);
  to.setDataAddress(hello.data_address);
  to.setDataKey(hello.data_key);
  to.setKnownEpoch(hello.known_epoch);
  to.setDraining(hello.draining);
  put_all(to.initHeld(count_of(hello.held)), hello.held);
  put_all(to.initObjects(count_of(hello.objects)), hello.objects);
}
void put(Out out, const Results& results) {
  auto to = out.initResults();
  to.setClient(results.client);
  to.setBatch(results.batch);
  put(to.initAttempt(), results.attempt);
  to.setNode(results.node);
  set_all(to.initTasks(count_of(results.tasks)), results.tasks);
  to.setPayload(data_of(results.payload));
}
void put(Out out, const BatchOver& over) {
  auto to = out.initBatchOver();
  to.setClient(over.client);
  to.setBatch(over.batch);
  put(to.initAttempt(), over.attempt);
  to.setNext(over.next);
  to.setRanNanoseconds(over.ran_nanoseconds);
  to.setRefusal(over.refusal);
}
void put(Out out, const HaveObjects& have) {
  put_all(out.initHaveObjects(count_of(have.objects)), have.objects);
}
void put(Out out, const DropObjects& drop) {
  put_all(out.initDropObjects(count_of(drop.objects)), drop.objects);
}
void put(Out out, const Drain&) {
  out.setDrain();
}
void put(Out out, const Welcome& welcome) {
  auto to = out.initWelcome();
  to.setEpoch(welcome.epoch);
  to.setQueueBytes(welcome.queue_bytes);
  to.setHeartbeatNanoseconds(welcome.heartbeat_nanoseconds);
  to.setRelay(welcome.relay);
  to.setNodeLostNanoseconds(welcome.node_lost_nanoseconds);
}
void put(Out out, const Refuse& refuse) {
  out.setRefuse(refuse.why);
}
void put(Out out, const Resync&) {
  out.setResync();
}
void put(Out out, const CallOpened& opened) {
  auto to = out.initCallOpened();
  to.setCall(opened.call);
  to.setRunInline(opened.run_inline);
  to.setSlots(opened.slots);
}
void put(Out out, const NodeJoined& joined) {
  put(out.initNodeJoined(), joined.node);
}
void put(Out out, const NodeGone& gone) {
  auto to = out.initNodeGone();
  to.setNode(gone.node);
  to.setWhy(gone.why);
}
void put(Out out, const Assigned& assigned) {
  auto to = out.initAssigned();
  to.setBatch(assigned.batch);
  put(to.initAttempt(), assigned.attempt);
  to.setNode(assigned.node);
}
void put(Out out, const Returned& returned) {
  auto to = out.initReturned();
  to.setBatch(returned.batch);
  put(to.initAttempt(), returned.attempt);
  to.setNext(returned.next);
  to.setLost(returned.lost);
  to.setRefusal(returned.refusal);
}
void put(Out out, const Slots& slots) {
  out.setSlots(slots.slots);
}
void put(Out out, const NodeCall& call) {
  auto to = out.initNodeCall();
  to.setClient(call.client);
  to.setRoot(call.root);
  put(to.initCall(), call.call);
}
void put(Out out, const Assign& assign) {
  auto to = out.initAssign();
  to.setClient(assign.client);
  put(to.initAttempt(), assign.attempt);
  put(to.initBatch(), assign.batch);
  put_all(to.initSources(count_of(assign.sources)), assign.sources);
}
void put(Out out, const CancelAttempt& cancel) {
  put(out.initCancelAttempt(), cancel.attempt);
}
void put(Out out, const Retract& retract) {
  put(out.initRetract(), retract.attempt);
}
void put(Out out, const Lend& lend) {
  auto to = out.initLend();
  put(to.initAttempt(), lend.attempt);
  to.setBegins(lend.begins);
}
void put(Out out, const NodeCallClosed& closed) {
  auto to = out.initNodeCallClosed();
  to.setClient(closed.client);
  to.setCall(closed.call);
}
void put(Out out, const ClientGone& gone) {
  out.setClientGone(gone.client);
}

void put(Out out, const SendAgain& again) {
  auto to = out.initSendAgain();
  to.setClient(again.client);
  put_all(to.initBatches(count_of(again.batches)), again.batches);
}
void put(Out out, const Query&) {
  out.setQuery();
}
void put(Out out, const Answer& answer) {
  out.setAnswer(answer.text);
}

void put(Out out, const TaskOutput& output) {
  auto to = out.initTaskOutput();
  to.setClient(output.client);
  to.setCall(output.call);
  to.setHost(output.host);
  to.setWorker(output.worker);
  to.setPid(output.pid);
  to.setIsError(output.is_error);
  to.setText(data_of(output.text));
}
void put(wire::Failure::Builder out, const NodeReport::Failure& failure) {
  out.setClient(failure.client);
  out.setFunction(failure.function);
  out.setCount(failure.count);
  out.setText(data_of(failure.text));
}
void put(Out out, const NodeReport& report) {
  auto to = out.initNodeReport();
  to.setMemoryBytes(report.memory_bytes);
  to.setMemoryLimit(report.memory_limit);
  to.setSpilledBytes(report.spilled_bytes);
  to.setSentBytes(report.sent_bytes);
  to.setReceivedBytes(report.received_bytes);
  to.setWorkersLost(report.workers_lost);
  put_all(to.initFailures(count_of(report.failures)), report.failures);
}

std::size_t payload_bytes(const Message& message) {
  if (const auto* submit = std::get_if<Submit>(&message)) return submit->payload->size();
  if (const auto* assign = std::get_if<Assign>(&message)) return assign->batch.payload->size();
  if (const auto* results = std::get_if<Results>(&message))
    return results->payload->size() + 4 * results->tasks.size();
  if (const auto* output = std::get_if<TaskOutput>(&message)) return output->text.size();
  return 0;
}

}  // namespace

std::string encode_packet(const Packet& packet) {
  std::size_t words = 16;
  for (const Message& message : packet.messages)
    words += usual_message_words + payload_bytes(message) / sizeof(capnp::word);
  capnp::MallocMessageBuilder message(static_cast<unsigned>(words));
  auto to = message.initRoot<wire::Packet>();
  to.setSession(packet.session);
  to.setSequence(packet.sequence);
  auto messages = to.initMessages(count_of(packet.messages));
  unsigned i = 0;
  for (const Message& part : packet.messages)
    std::visit([out = messages[i++]](const auto& value) { put(out, value); }, part);
  std::string bytes(capnp::computeSerializedSizeInWords(message) * sizeof(capnp::word), '\0');
  kj::ArrayOutputStream stream({reinterpret_cast<kj::byte*>(bytes.data()), bytes.size()});
  capnp::writeMessage(stream, message);
  return bytes;
}

}  // namespace paracord::cluster
