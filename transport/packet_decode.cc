// Packets from Cap'n Proto, sent by anyone.

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <cstring>
#include <vector>

#include <transport/protocol.capnp.h>
#include "paracord/transport/packet_codec.h"

namespace paracord::cluster {

namespace {

// Deeper than any message is.
constexpr int deepest_nesting = 16;
// Each list element takes a part of the message, but for elements without content.
constexpr unsigned most_elements = 1u << 24;

std::string text_of(capnp::Text::Reader text) {
  return {text.begin(), text.size()};
}

std::string string_of(capnp::Data::Reader data) {
  return {reinterpret_cast<const char*>(data.begin()), data.size()};
}

Bytes bytes_of(capnp::Data::Reader data) {
  return std::make_shared<const std::string>(reinterpret_cast<const char*>(data.begin()),
                                             data.size());
}

Attempt read(wire::Attempt::Reader in) {
  return {in.getEpoch(), in.getCounter()};
}
ObjectId read(wire::ObjectId::Reader in) {
  return {{in.getFirst(), in.getSecond()}, in.getBytes()};
}
NodeAddress read(wire::NodeAddress::Reader in) {
  return {in.getNode(), text_of(in.getName()), text_of(in.getDataAddress()),
          text_of(in.getDataKey())};
}
OpenCall read(wire::OpenCall::Reader in) {
  return {in.getCall(),       in.getPriority(),       in.getNestingLevel(),    read(in.getParent()),
          in.getParentNode(), text_of(in.getLabel()), bytes_of(in.getSetup()), in.getMostAtOnce()};
}
ExpectedBatch read(wire::ExpectedBatch::Reader in) {
  return {in.getBatch(), in.getCall(), in.getCount(), read(in.getAttempt()), in.getNode()};
}
HeldBatch read(wire::HeldBatch::Reader in) {
  return {in.getClient(), in.getBatch(), read(in.getAttempt()), in.getOver()};
}

ObjectSources read(wire::ObjectSources::Reader in);
NodeReport::Failure read(wire::Failure::Reader in);
Message read(wire::Message::Reader in);

template <class List>
auto read_all(List list) {
  KJ_REQUIRE(list.size() <= most_elements, "a list is too long");
  std::vector<decltype(read(list[0]))> values;
  values.reserve(list.size());
  for (auto element : list) values.push_back(read(element));
  return values;
}

template <class T, class List>
std::vector<T> copy_all(List list) {
  KJ_REQUIRE(list.size() <= most_elements, "a list is too long");
  std::vector<T> values;
  values.reserve(list.size());
  for (const T value : list) values.push_back(value);
  return values;
}

Submit read(wire::Submit::Reader in) {
  return {in.getBatch(),
          in.getCall(),
          in.getCount(),
          in.getLosses(),
          bytes_of(in.getPayload()),
          read_all(in.getNeeds()),
          text_of(in.getLabel())};
}
TaskOutput read(wire::TaskOutput::Reader in) {
  return {in.getClient(), in.getCall(),    text_of(in.getHost()),  in.getWorker(),
          in.getPid(),    in.getIsError(), string_of(in.getText())};
}
NodeReport::Failure read(wire::Failure::Reader in) {
  return {in.getClient(), text_of(in.getFunction()), in.getCount(), string_of(in.getText())};
}
NodeReport read(wire::NodeReport::Reader in) {
  return {in.getMemoryBytes(),   in.getMemoryLimit(), in.getSpilledBytes(),      in.getSentBytes(),
          in.getReceivedBytes(), in.getWorkersLost(), read_all(in.getFailures())};
}
ObjectSources read(wire::ObjectSources::Reader in) {
  return {read(in.getObject()), read_all(in.getNodes())};
}
ClientHello read(wire::ClientHello::Reader in) {
  return {in.getProtocol(),
          in.getClient(),
          in.getRoot(),
          in.getWeight(),
          text_of(in.getName()),
          in.getKnownEpoch(),
          copy_all<PeerId>(in.getKnownNodes()),
          read_all(in.getCalls()),
          read_all(in.getExpected())};
}
NodeHello read(wire::NodeHello::Reader in) {
  return {in.getProtocol(),         in.getNode(),
          text_of(in.getName()),    in.getSlots(),
          in.getMostParked(),       text_of(in.getDataAddress()),
          text_of(in.getDataKey()), in.getKnownEpoch(),
          in.getDraining(),         read_all(in.getHeld()),
          read_all(in.getObjects())};
}
Results read(wire::Results::Reader in) {
  return {in.getClient(),
          in.getBatch(),
          read(in.getAttempt()),
          in.getNode(),
          copy_all<std::uint32_t>(in.getTasks()),
          bytes_of(in.getPayload())};
}
BatchOver read(wire::BatchOver::Reader in) {
  return {in.getClient(), in.getBatch(),          read(in.getAttempt()),
          in.getNext(),   in.getRanNanoseconds(), text_of(in.getRefusal())};
}
Returned read(wire::Returned::Reader in) {
  return {in.getBatch(), read(in.getAttempt()), in.getNext(), in.getLost(),
          text_of(in.getRefusal())};
}
Acknowledge read(wire::Acknowledge::Reader in) {
  return {in.getNode(), read(in.getAttempt()), copy_all<std::uint32_t>(in.getTasks())};
}
NodeCall read(wire::NodeCall::Reader in) {
  return {in.getClient(), in.getRoot(), read(in.getCall())};
}
Assign read(wire::Assign::Reader in) {
  return {in.getClient(), read(in.getAttempt()), read(in.getBatch()), read_all(in.getSources())};
}

// What clients and nodes say.
Message read_from_peer(wire::Message::Reader in) {
  switch (in.which()) {
    case wire::Message::CLIENT_HELLO:
      return read(in.getClientHello());
    case wire::Message::OPEN_CALL:
      return read(in.getOpenCall());
    case wire::Message::SUBMIT:
      return read(in.getSubmit());
    case wire::Message::CANCEL_CALL:
      return CancelCall{in.getCancelCall()};
    case wire::Message::CLOSE_CALL:
      return CloseCall{in.getCloseCall()};
    case wire::Message::ACKNOWLEDGE:
      return read(in.getAcknowledge());
    case wire::Message::WAITING:
      return Waiting{in.getWaiting().getCall(), in.getWaiting().getBegins()};
    case wire::Message::TO_COME:
      return ToCome{in.getToCome().getCall(), in.getToCome().getTasks()};
    case wire::Message::NODE_HELLO:
      return read(in.getNodeHello());
    case wire::Message::RESULTS:
      return read(in.getResults());
    case wire::Message::BATCH_OVER:
      return read(in.getBatchOver());
    case wire::Message::HAVE_OBJECTS:
      return HaveObjects{read_all(in.getHaveObjects())};
    case wire::Message::DROP_OBJECTS:
      return DropObjects{read_all(in.getDropObjects())};
    case wire::Message::DRAIN:
      return Drain{};
    case wire::Message::TASK_OUTPUT:
      return read(in.getTaskOutput());
    case wire::Message::NODE_REPORT:
      return read(in.getNodeReport());
    case wire::Message::HEARTBEAT:
      return Heartbeat{};
    case wire::Message::GOODBYE:
      return Goodbye{};
    case wire::Message::QUERY:
      return Query{};
    default:
      KJ_FAIL_REQUIRE("a message of an unknown kind");
  }
}

// What the scheduler says.
Message read(wire::Message::Reader in) {
  switch (in.which()) {
    case wire::Message::WELCOME: {
      const auto welcome = in.getWelcome();
      return Welcome{welcome.getEpoch(), welcome.getQueueBytes(), welcome.getHeartbeatNanoseconds(),
                     text_of(welcome.getRelay()), welcome.getNodeLostNanoseconds()};
    }
    case wire::Message::REFUSE:
      return Refuse{text_of(in.getRefuse())};
    case wire::Message::RESYNC:
      return Resync{};
    case wire::Message::CALL_OPENED: {
      const auto opened = in.getCallOpened();
      return CallOpened{opened.getCall(), opened.getRunInline(), opened.getSlots()};
    }
    case wire::Message::NODE_JOINED:
      return NodeJoined{read(in.getNodeJoined())};
    case wire::Message::NODE_GONE:
      return NodeGone{in.getNodeGone().getNode(), text_of(in.getNodeGone().getWhy())};
    case wire::Message::ASSIGNED: {
      const auto assigned = in.getAssigned();
      return Assigned{assigned.getBatch(), read(assigned.getAttempt()), assigned.getNode()};
    }
    case wire::Message::RETURNED:
      return read(in.getReturned());
    case wire::Message::SLOTS:
      return Slots{in.getSlots()};
    case wire::Message::NODE_CALL:
      return read(in.getNodeCall());
    case wire::Message::ASSIGN:
      return read(in.getAssign());
    case wire::Message::CANCEL_ATTEMPT:
      return CancelAttempt{read(in.getCancelAttempt())};
    case wire::Message::RETRACT:
      return Retract{read(in.getRetract())};
    case wire::Message::LEND:
      return Lend{read(in.getLend().getAttempt()), in.getLend().getBegins()};
    case wire::Message::NODE_CALL_CLOSED:
      return NodeCallClosed{in.getNodeCallClosed().getClient(), in.getNodeCallClosed().getCall()};
    case wire::Message::ANSWER:
      return Answer{text_of(in.getAnswer())};
    case wire::Message::SEND_AGAIN:
      return SendAgain{in.getSendAgain().getClient(), read_all(in.getSendAgain().getBatches())};
    case wire::Message::CLIENT_GONE:
      return ClientGone{in.getClientGone()};
    default:
      return read_from_peer(in);
  }
}

// Cap'n Proto reads words.
kj::Array<capnp::word> words_of(std::span<const std::byte> bytes) {
  auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  std::memcpy(words.begin(), bytes.data(), words.size() * sizeof(capnp::word));
  return words;
}

}  // namespace

Status decode_packet(std::span<const std::byte> bytes, Packet& packet) {
  const auto refuse = [](const std::string& why) {
    return Status(StatusCode::invalid_argument, "a packet cannot be read: " + why);
  };
  if (bytes.empty()) return refuse("it is empty");
  if (bytes.size() > largest_packet) return refuse("it is larger than any packet may be");
  if (bytes.size() % sizeof(capnp::word) != 0) return refuse("its length is not one of words");
  Status status;
  // Where the library is built without exceptions of its own this still catches what it throws.
  const auto trouble = kj::runCatchingExceptions([&] {
    const kj::Array<capnp::word> words = words_of(bytes);
    capnp::ReaderOptions limits;
    limits.traversalLimitInWords = 2 * words.size() + 64;
    limits.nestingLimit = deepest_nesting;
    capnp::FlatArrayMessageReader message(words, limits);
    const auto in = message.getRoot<wire::Packet>();
    packet.session = in.getSession();
    packet.sequence = in.getSequence();
    packet.messages = read_all(in.getMessages());
  });
  KJ_IF_MAYBE (exception, trouble) return refuse(exception->getDescription().cStr());
  return Status();
}

}  // namespace paracord::cluster
