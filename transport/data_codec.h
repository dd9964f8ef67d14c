#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "paracord/core/cluster_messages.h"
#include "paracord/core/status.h"
#include "paracord/transport/neighbours.h"
#include "paracord/transport/object_name.h"

/// Messages of the data sockets as Cap'n Proto segments; see data.capnp.
namespace paracord::cluster::data {

inline constexpr std::uint32_t protocol_version = 1;

struct Hello {
  std::uint32_t protocol = protocol_version;
  PeerId peer = 0;
  Whereabouts whereabouts{};
};
/// From 0: tell me also which chunks you have, now and later.
struct AskTable {
  ObjectId object;
  std::uint32_t first = 0;
};
struct TablePart {
  ObjectId object;
  std::uint32_t first = 0;
  std::vector<Digest> digests;
};
struct Want {
  ObjectId object;
  std::vector<std::uint32_t> chunks;
};
struct Chunk {
  ObjectId object;
  std::uint32_t index = 0;
  std::span<const std::byte> bytes;  ///< in the frame that it came in, or where it lies
};
/// Nothing of this object is here. Without a name: of the connection.
struct Cannot {
  ObjectId object;
  std::string why;
};
/// More chunks that the sender can send; `all`: every one.
struct Have {
  ObjectId object;
  bool all = false;
  std::vector<std::uint32_t> chunks;
};
/// Where does it lie in a file of yours?
struct AskPlace {
  ObjectId object;
};
struct Place {
  ObjectId object;
  FilePlace place;
};
using DataMessage =
    std::variant<Hello, AskTable, TablePart, Want, Chunk, Cannot, Have, AskPlace, Place>;

/// Chunks of an object of this size.
std::uint32_t count_chunks(const ObjectId& object);
/// The bytes of one of them.
std::size_t bytes_of_chunk(const ObjectId& object, std::uint32_t index);

/// The frames of a message, told one after the other while they exist. `is_chunk`: the frame is the
/// chunk's memory itself.
using OnFrame = std::function<void(std::span<const std::byte> frame, bool is_chunk, bool last)>;
void encode(const DataMessage& message, const OnFrame& on_frame);

/// Reads frames that came from anyone; what it finds refers to them. Errors: invalid_argument.
/// Frames begin at multiples of 8.
Status decode(std::span<const std::span<const std::byte>> frames, DataMessage& message);

/// Longer lists of digests or chunks go in several messages.
inline constexpr std::size_t longest_list = std::size_t{1} << 16;
/// The largest frame of any message: a chunk, or the longest list.
inline constexpr std::size_t largest_frame = chunk_bytes + (std::size_t{64} << 10);

}  // namespace paracord::cluster::data
