# What clients, nodes and the scheduler of a cluster send to each other on their control sockets.
# docs/protocol.md explains it; core/cluster_messages.h says what each message means.
#
# A packet is one ZeroMQ message of one frame. Fields are only ever added; a peer that cannot do
# without one raises the protocol's version.
@0xb6f3a0c2d5e94817;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("paracord::cluster::wire");

struct Packet {
  session @0 :UInt64;
  sequence @1 :UInt64;
  messages @2 :List(Message);
}

struct Attempt {
  epoch @0 :UInt64;
  counter @1 :UInt64;
}

struct ObjectId {
  first @0 :UInt64;
  second @1 :UInt64;
  bytes @2 :UInt64;
}

struct NodeAddress {
  node @0 :UInt64;
  name @1 :Text;
  dataAddress @2 :Text;
  dataKey @3 :Text;
}

struct Message {
  union {
    heartbeat @0 :Void;
    goodbye @1 :Void;
    clientHello @2 :ClientHello;
    openCall @3 :OpenCall;
    submit @4 :Submit;
    cancelCall @5 :UInt32;
    closeCall @6 :UInt32;
    acknowledge @7 :Acknowledge;
    waiting @8 :Waiting;
    toCome @9 :ToCome;
    nodeHello @10 :NodeHello;
    results @11 :Results;
    batchOver @12 :BatchOver;
    haveObjects @13 :List(ObjectId);
    dropObjects @14 :List(ObjectId);
    drain @15 :Void;
    welcome @16 :Welcome;
    refuse @17 :Text;
    resync @18 :Void;
    callOpened @19 :CallOpened;
    nodeJoined @20 :NodeAddress;
    nodeGone @21 :NodeGone;
    assigned @22 :Assigned;
    returned @23 :Returned;
    slots @24 :UInt32;
    nodeCall @25 :NodeCall;
    assign @26 :Assign;
    cancelAttempt @27 :Attempt;
    retract @28 :Attempt;
    lend @29 :Lend;
    nodeCallClosed @30 :NodeCallClosed;
    clientGone @31 :UInt64;
    query @32 :Void;
    answer @33 :Text;
    sendAgain @34 :SendAgain;
    taskOutput @35 :TaskOutput;
    nodeReport @36 :NodeReport;
  }
}

struct OpenCall {
  call @0 :UInt32;
  priority @1 :Int32;
  nestingLevel @2 :UInt32;
  parent @3 :Attempt;
  parentNode @4 :UInt64;
  label @5 :Text;
  setup @6 :Data;
  # Foreseen: what a slot must offer, when the work is of no use any more, and a trace's number.
  mostAtOnce @10 :UInt32;
  resources @7 :Text;
  deadlineNanoseconds @8 :Int64;
  traceId @9 :UInt64;
}

struct Submit {
  batch @0 :UInt64;
  call @1 :UInt32;
  count @2 :UInt32;
  losses @3 :UInt32;
  payload @4 :Data;
  needs @5 :List(ObjectId);
  label @6 :Text;
}

struct ExpectedBatch {
  batch @0 :UInt64;
  call @1 :UInt32;
  count @2 :UInt32;
  attempt @3 :Attempt;
  node @4 :UInt64;
}

struct ClientHello {
  protocol @0 :UInt32;
  client @1 :UInt64;
  root @2 :UInt64;
  weight @3 :UInt32;
  name @4 :Text;
  knownEpoch @5 :UInt64;
  knownNodes @6 :List(UInt64);
  calls @7 :List(OpenCall);
  expected @8 :List(ExpectedBatch);
  oldestProtocol @9 :UInt32;  # that it still speaks
  software @10 :Text;
  tenant @11 :Text;
}

struct Acknowledge {
  node @0 :UInt64;
  attempt @1 :Attempt;
  tasks @2 :List(UInt32);
}

struct Waiting {
  call @0 :UInt32;
  begins @1 :Bool;
}

struct ToCome {
  call @0 :UInt32;
  tasks @1 :UInt64;
}

struct HeldBatch {
  client @0 :UInt64;
  batch @1 :UInt64;
  attempt @2 :Attempt;
  over @3 :Bool;
}

struct NodeHello {
  protocol @0 :UInt32;
  node @1 :UInt64;
  name @2 :Text;
  slots @3 :UInt32;
  mostParked @4 :UInt32;
  dataAddress @5 :Text;
  dataKey @6 :Text;
  knownEpoch @7 :UInt64;
  draining @8 :Bool;
  held @9 :List(HeldBatch);
  objects @10 :List(ObjectId);
  oldestProtocol @11 :UInt32;
  software @12 :Text;
  labels @13 :List(Text);
}

struct Results {
  client @0 :UInt64;
  batch @1 :UInt64;
  attempt @2 :Attempt;
  node @3 :UInt64;
  tasks @4 :List(UInt32);
  payload @5 :Data;
}

struct BatchOver {
  client @0 :UInt64;
  batch @1 :UInt64;
  attempt @2 :Attempt;
  next @3 :UInt32;
  ranNanoseconds @4 :Int64;
  refusal @5 :Text;
}

struct Welcome {
  epoch @0 :UInt64;
  queueBytes @1 :UInt64;
  heartbeatNanoseconds @2 :Int64;
  relay @3 :Text;
  nodeLostNanoseconds @4 :Int64;
}

struct CallOpened {
  call @0 :UInt32;
  runInline @1 :Bool;
  slots @2 :UInt32;
}

struct NodeGone {
  node @0 :UInt64;
  why @1 :Text;
}

struct Assigned {
  batch @0 :UInt64;
  attempt @1 :Attempt;
  node @2 :UInt64;
}

struct Returned {
  batch @0 :UInt64;
  attempt @1 :Attempt;
  next @2 :UInt32;
  lost @3 :Bool;
  refusal @4 :Text;
}

struct NodeCall {
  client @0 :UInt64;
  root @1 :UInt64;
  call @2 :OpenCall;
}

struct ObjectSources {
  object @0 :ObjectId;
  nodes @1 :List(NodeAddress);
}

struct Assign {
  client @0 :UInt64;
  attempt @1 :Attempt;
  batch @2 :Submit;
  sources @3 :List(ObjectSources);
}

struct Lend {
  attempt @0 :Attempt;
  begins @1 :Bool;
}

struct SendAgain {
  client @0 :UInt64;
  batches @1 :List(HeldBatch);
}

struct TaskOutput {
  client @0 :UInt64;
  call @1 :UInt32;
  host @2 :Text;
  worker @3 :UInt32;
  pid @4 :Int32;
  isError @5 :Bool;
  text @6 :Data;  # what tasks print need not be UTF-8
}

struct Failure {
  client @0 :UInt64;
  function @1 :Text;
  count @2 :UInt32;
  text @3 :Data;
}

struct NodeReport {
  memoryBytes @0 :UInt64;
  memoryLimit @1 :UInt64;
  spilledBytes @2 :UInt64;
  sentBytes @3 :UInt64;
  receivedBytes @4 :UInt64;
  workersLost @5 :UInt64;
  failures @6 :List(Failure);
}

struct NodeCallClosed {
  client @0 :UInt64;
  call @1 :UInt32;
}
