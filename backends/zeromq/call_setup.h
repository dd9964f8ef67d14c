#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "paracord/core/cluster_messages.h"

/// What a node has to know of a call before it can run the call's tasks.
namespace paracord::cluster {

/// A file of a program, named by what it holds.
struct ProgramFile {
  std::string name;  ///< without folders
  ObjectId content{};
  std::string sha256;  ///< hexadecimal
};

/// The program whose functions tasks name: the client's own.
struct Program {
  /// The executable comes first, then the shared objects that do not belong to the system. Empty
  /// where the nodes have it already, in either of the ways below.
  std::vector<ProgramFile> files;
  std::uint64_t embedded = 0;  ///< the number of an embedded cluster, whose nodes are this program
  std::string worker_binary;   ///< where it lies on the nodes: in an image, or a shared file system
  std::string architecture;    ///< as uname() tells it
  std::string c_library;       ///< the version that it was started with
  std::string name;            ///< for people
};

struct CallSetup {
  Program program;
  std::uint32_t nesting_level = 0;
  std::uint32_t inner_threads = 0;  ///< 0: a worker's share of the CPUs
  double task_timeout = 0;          ///< seconds; 0: none
  double grace = 0.1;               ///< seconds that cancelled tasks have to end by themselves
  bool timed = false;
  std::map<std::string, std::string> environment;
  std::uint64_t initializer_id = 0;  ///< 0: none
  std::string initializer;           ///< a task
  bool at_once = false;              ///< the client reads the results one by one
  std::uint32_t n_jobs = 0;          ///< tasks that run at once, on each node; 0: no limit
};

std::string encode_setup(const CallSetup& setup);
/// Throws SerializationError.
CallSetup decode_setup(const std::string& bytes);

}  // namespace paracord::cluster
