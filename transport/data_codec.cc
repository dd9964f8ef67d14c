#include "paracord/transport/data_codec.h"

#include <capnp/message.h>
#include <capnp/orphan.h>
#include <kj/exception.h>
#include <transport/data.capnp.h>

#include <algorithm>
#include <cstring>

namespace paracord::cluster::data {

namespace {

constexpr unsigned most_segments = 4;
constexpr int deepest_nesting = 8;
constexpr std::size_t longest_text = 1000;

void put(wire::ObjectName::Builder out, const ObjectId& object) {
  out.setFirst(object.digest[0]);
  out.setSecond(object.digest[1]);
  out.setBytes(object.bytes);
}

ObjectId read(wire::ObjectName::Reader in) {
  return {{in.getFirst(), in.getSecond()}, in.getBytes()};
}

void put_chunks(capnp::List<std::uint32_t>::Builder to, const std::vector<std::uint32_t>& chunks) {
  unsigned i = 0;
  for (const std::uint32_t chunk : chunks) to.set(i++, chunk);
}

struct Writer {
  capnp::MallocMessageBuilder& message;
  wire::DataMessage::Builder out;

  void operator()(const Hello& hello) {
    auto to = out.initHello();
    to.setProtocol(hello.protocol);
    to.setPeer(hello.peer);
    to.setProcess(hello.whereabouts.process);
    to.setFd(hello.whereabouts.fd);
    to.setNonceFirst(hello.whereabouts.nonce[0]);
    to.setNonceSecond(hello.whereabouts.nonce[1]);
  }
  void operator()(const AskTable& ask) {
    put(out.initObject(), ask.object);
    out.setAskTable(ask.first);
  }
  void operator()(const TablePart& table) {
    put(out.initObject(), table.object);
    auto to = out.initTable();
    to.setFirst(table.first);
    auto digests = to.initDigests(static_cast<unsigned>(2 * table.digests.size()));
    unsigned i = 0;
    for (const Digest& digest : table.digests) {
      digests.set(i++, digest[0]);
      digests.set(i++, digest[1]);
    }
  }
  void operator()(const Want& want) {
    put(out.initObject(), want.object);
    put_chunks(out.initWant(static_cast<unsigned>(want.chunks.size())), want.chunks);
  }
  void operator()(const Chunk& chunk) {
    put(out.initObject(), chunk.object);
    auto to = out.initChunk();
    to.setIndex(chunk.index);
    const capnp::Data::Reader bytes(reinterpret_cast<const kj::byte*>(chunk.bytes.data()),
                                    chunk.bytes.size());
    const bool words =
        reinterpret_cast<std::uintptr_t>(chunk.bytes.data()) % sizeof(capnp::word) == 0 &&
        chunk.bytes.size() % sizeof(capnp::word) == 0;
    if (words && !chunk.bytes.empty()) {
      to.adoptBytes(message.getOrphanage().referenceExternalData(bytes));
    } else {
      to.setBytes(bytes);
    }
  }
  void operator()(const Cannot& cannot) {
    put(out.initObject(), cannot.object);
    out.setCannot(cannot.why);
  }
  void operator()(const Have& have) {
    put(out.initObject(), have.object);
    auto to = out.initHave();
    to.setAll(have.all);
    put_chunks(to.initChunks(static_cast<unsigned>(have.chunks.size())), have.chunks);
  }
  void operator()(const AskPlace& ask) {
    put(out.initObject(), ask.object);
    out.setAskPlace();
  }
  void operator()(const Place& place) {
    put(out.initObject(), place.object);
    auto to = out.initPlace();
    to.setFd(place.place.fd);
    to.setOffset(place.place.offset);
    to.setDevice(place.place.device);
    to.setInode(place.place.inode);
  }
};

Hello read_hello(wire::Hello::Reader in) {
  return {in.getProtocol(),
          in.getPeer(),
          {in.getProcess(), in.getFd(), {in.getNonceFirst(), in.getNonceSecond()}}};
}

TablePart read_table(const ObjectId& object, wire::TablePart::Reader in) {
  const auto digests = in.getDigests();
  KJ_REQUIRE(digests.size() % 2 == 0 && digests.size() / 2 <= longest_list,
             "a part of a table with too many digests, or half a one");
  KJ_REQUIRE(std::uint64_t{in.getFirst()} + digests.size() / 2 <= count_chunks(object),
             "a table that is longer than its object's");
  TablePart part{object, in.getFirst(), {}};
  part.digests.reserve(digests.size() / 2);
  for (unsigned i = 0; i != digests.size(); i += 2)
    part.digests.push_back({digests[i], digests[i + 1]});
  return part;
}

std::vector<std::uint32_t> read_chunks(const ObjectId& object,
                                       capnp::List<std::uint32_t>::Reader in) {
  KJ_REQUIRE(in.size() <= longest_list, "a list of too many chunks");
  std::vector<std::uint32_t> chunks;
  chunks.reserve(in.size());
  for (const std::uint32_t chunk : in) {
    KJ_REQUIRE(chunk < count_chunks(object), "a chunk beyond the end of its object");
    chunks.push_back(chunk);
  }
  return chunks;
}

Chunk read_chunk(const ObjectId& object, wire::Chunk::Reader in) {
  const auto bytes = in.getBytes();
  KJ_REQUIRE(in.getIndex() < count_chunks(object), "a chunk beyond the end of its object");
  KJ_REQUIRE(bytes.size() == bytes_of_chunk(object, in.getIndex()),
             "a chunk of another length than its place");
  return {object, in.getIndex(), {reinterpret_cast<const std::byte*>(bytes.begin()), bytes.size()}};
}

std::string read_text(capnp::Text::Reader in) {
  return std::string(in.cStr(), std::min<std::size_t>(in.size(), longest_text));
}

DataMessage read(wire::DataMessage::Reader in) {
  const ObjectId object = read(in.getObject());
  KJ_REQUIRE(object.bytes <= std::uint64_t{1} << 44, "an object of an impossible size");
  switch (in.which()) {
    case wire::DataMessage::HELLO:
      return read_hello(in.getHello());
    case wire::DataMessage::ASK_TABLE:
      return AskTable{object, in.getAskTable()};
    case wire::DataMessage::TABLE:
      return read_table(object, in.getTable());
    case wire::DataMessage::WANT:
      return Want{object, read_chunks(object, in.getWant())};
    case wire::DataMessage::CHUNK:
      return read_chunk(object, in.getChunk());
    case wire::DataMessage::CANNOT:
      return Cannot{object, read_text(in.getCannot())};
    case wire::DataMessage::HAVE:
      return Have{object, in.getHave().getAll(), read_chunks(object, in.getHave().getChunks())};
    case wire::DataMessage::ASK_PLACE:
      return AskPlace{object};
    case wire::DataMessage::PLACE: {
      const auto place = in.getPlace();
      return Place{object, {place.getFd(), place.getOffset(), place.getDevice(), place.getInode()}};
    }
    default:
      KJ_FAIL_REQUIRE("a message of an unknown kind");
  }
}

}  // namespace

std::uint32_t count_chunks(const ObjectId& object) {
  return static_cast<std::uint32_t>((object.bytes + chunk_bytes - 1) / chunk_bytes);
}

std::size_t bytes_of_chunk(const ObjectId& object, std::uint32_t index) {
  const std::uint64_t begin = std::uint64_t{index} * chunk_bytes;
  return static_cast<std::size_t>(std::min<std::uint64_t>(object.bytes - begin, chunk_bytes));
}

void encode(const DataMessage& message, const OnFrame& on_frame) {
  std::size_t words = 64;
  std::span<const std::byte> chunk;
  if (const auto* table = std::get_if<TablePart>(&message)) words += 2 * table->digests.size();
  if (const auto* want = std::get_if<Want>(&message)) words += want->chunks.size();
  if (const auto* have = std::get_if<Have>(&message)) words += have->chunks.size();
  if (const auto* sent = std::get_if<Chunk>(&message)) chunk = sent->bytes;
  capnp::MallocMessageBuilder builder(static_cast<unsigned>(words));
  std::visit(Writer{builder, builder.initRoot<wire::DataMessage>()}, message);
  const auto segments = builder.getSegmentsForOutput();
  for (std::size_t i = 0; i != segments.size(); ++i) {
    const std::span frame(reinterpret_cast<const std::byte*>(segments[i].begin()),
                          segments[i].size() * sizeof(capnp::word));
    on_frame(frame, !chunk.empty() && frame.data() == chunk.data(), i + 1 == segments.size());
  }
}

Status decode(std::span<const std::span<const std::byte>> frames, DataMessage& message) {
  const auto refuse = [](const std::string& why) {
    return Status(StatusCode::invalid_argument, "a data message cannot be read: " + why);
  };
  if (frames.empty() || frames.size() > most_segments) return refuse("a wrong number of frames");
  kj::ArrayPtr<const capnp::word> segments[most_segments];
  std::size_t words = 0;
  for (std::size_t i = 0; i != frames.size(); ++i) {
    if (frames[i].size() % sizeof(capnp::word) != 0) return refuse("a frame that is not of words");
    segments[i] = {reinterpret_cast<const capnp::word*>(frames[i].data()),
                   frames[i].size() / sizeof(capnp::word)};
    words += segments[i].size();
  }
  const auto trouble = kj::runCatchingExceptions([&] {
    capnp::ReaderOptions limits;
    limits.traversalLimitInWords = 2 * words + 64;
    limits.nestingLimit = deepest_nesting;
    capnp::SegmentArrayMessageReader reader({segments, frames.size()}, limits);
    message = read(reader.getRoot<wire::DataMessage>());
  });
  KJ_IF_MAYBE (exception, trouble) return refuse(exception->getDescription().cStr());
  return Status();
}

}  // namespace paracord::cluster::data
