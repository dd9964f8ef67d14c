// What clients and nodes read of each other's payloads, against bytes from anywhere: the first byte
// says which reader.
//
// With libFuzzer under clang (PARACORD_BUILD_FUZZERS); else with a main of its own that replays the
// files of a corpus, or writes one (with --write).

#include <cstdint>
#include <stdexcept>

#include "paracord/backends/zeromq/batch_payload.h"
#include "paracord/backends/zeromq/call_setup.h"
#include "paracord/backends/zeromq/task_records.h"
#include "paracord/core/errors.h"

namespace {

using namespace paracord::cluster;

void read_payload(const std::string& bytes) {
  Submit batch;
  batch.count = 2;
  batch.needs = {{{1, 2}, 4096}};
  if (referred_payload(bytes)) return;
  const BatchPayload read(std::as_bytes(std::span(bytes)), batch);
  // What was let in leads nowhere else.
  for (const TaskPlace& task : read.contents.tasks) {
    if (task.begin + task.bytes > read.tasks.size()) __builtin_trap();
  }
  for (const ReferencePlace& reference : read.contents.references) {
    if (reference.object >= batch.needs.size() ||
        reference.offset + reference.bytes > batch.needs[reference.object].bytes)
      __builtin_trap();
  }
}

void read_records(const std::string& bytes) {
  const RecordReader reader(bytes);
  unsigned sum = 0;
  for (const TaskRecord& record : reader.records()) {
    for (const std::byte byte : reader.body(record)) sum += static_cast<unsigned>(byte);
  }
  if (sum == 1) throw paracord::SerializationError("as good as any");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const std::string rest(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  try {
    switch (bytes[0] % 3) {
      case 0:
        read_payload(rest);
        break;
      case 1:
        read_records(rest);
        break;
      default:
        (void)decode_setup(rest);
    }
  } catch (const paracord::SerializationError&) {
  }
  return 0;
}

#ifndef PARACORD_FUZZER
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace {

void write(const std::filesystem::path& file, char kind, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << kind << bytes;
}

void write_corpus(const std::filesystem::path& folder) {
  BatchContents contents;
  contents.modules = {{1, "/lib/m.so", 2, 3, 4, {{5, 6}, 7}, "00ff"}};
  contents.tasks = {{0, 64}, {64, 40}};
  contents.references = {{0, paracord::MemoryAccess::read_only, 8, 0, 16, 32, 0}};
  const std::string tasks(104, 't');
  write(folder / "payload", 0, encode_payload(contents, std::as_bytes(std::span(tasks))));
  write(folder / "payload_reference", 0, encode_payload_reference({{1, 2}, 3}));
  RecordWriter records;
  TaskRecord record;
  record.text = "text";
  record.objects = {{{1, 2}, 3}};
  record.writes_bytes = 16;
  const std::string body = "what was written, and a result";
  records.add(record, std::as_bytes(std::span(body)));
  record.task = 1;
  record.end = TaskEnd::error;
  records.add(record, {});
  write(folder / "records", 1, records.take());
  CallSetup setup;
  setup.program.files = {{"program", {{1, 2}, 3}, "00ff"}};
  setup.program.name = "name";
  setup.environment = {{"NAME", "value"}};
  setup.initializer = "task";
  write(folder / "setup", 2, encode_setup(setup));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--write") {
    write_corpus(argv[2]);
    return 0;
  }
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argc == 2 ? argv[1] : ".")) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    // Whole, and cut off anywhere.
    for (std::size_t size = 0; size <= bytes.size(); ++size) LLVMFuzzerTestOneInput(data, size);
    // With each byte changed in its turn.
    for (std::size_t i = 0; i != bytes.size(); ++i) {
      for (const int change : {1, 0x80, 0xff}) {
        std::string changed = bytes;
        changed[i] = static_cast<char>(changed[i] ^ change);
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(changed.data()),
                               changed.size());
      }
    }
    ++files;
  }
  std::printf("%d files of the corpus were read\n", files);
  return files == 0 ? 1 : 0;
}
#endif
