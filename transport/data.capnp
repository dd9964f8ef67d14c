# What processes of a cluster send to each other on their data sockets: objects, chunk by chunk.
# docs/protocol.md explains it.
#
# Each segment of a message is one frame. A chunk's bytes are a segment of their own, which is sent
# from where it lies.
@0xd0c1a87e5b7f6a23;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("paracord::cluster::wire");

struct ObjectName {
  first @0 :UInt64;
  second @1 :UInt64;
  bytes @2 :UInt64;
}

struct DataMessage {
  object @0 :ObjectName;
  union {
    hello @1 :Hello;
    # From this chunk on. From 0: tell me also which chunks you have, now and later.
    askTable @2 :UInt32;
    table @3 :TablePart;
    want @4 :List(UInt32);   # chunks
    chunk @5 :Chunk;
    # Why; the sender has nothing of this object. An object without a name: of this connection.
    cannot @6 :Text;
    have @7 :Have;
    # Where does it lie in a file of yours? Asked of one that shares memory with the asker.
    askPlace @8 :Void;
    place @9 :Place;
  }
}

struct Hello {
  protocol @0 :UInt32;
  peer @1 :UInt64;
  # Where to look whether the sender shares memory with the receiver; process 0: it does not.
  process @2 :Int32;
  fd @3 :Int32;
  nonceFirst @4 :UInt64;
  nonceSecond @5 :UInt64;
}

struct Place {
  fd @0 :Int32;  # -1: in none
  offset @1 :UInt64;
  device @2 :UInt64;
  inode @3 :UInt64;
}

struct TablePart {
  first @0 :UInt32;
  digests @1 :List(UInt64);  # two for each chunk
}

struct Chunk {
  index @0 :UInt32;
  bytes @1 :Data;
}

struct Have {
  all @0 :Bool;
  chunks @1 :List(UInt32);  # more of them
}
