#include "paracord/core/remote_error.h"

#include <memory>
#include <stdexcept>
#include <utility>

#include "paracord/core/codec.h"
#include "paracord/core/describe_error.h"

namespace paracord::detail {

namespace {

constexpr int deepest_chain = 32;

const char* text_of(Phase phase) {
  switch (phase) {
    case Phase::encoding_arguments:
      return "while its arguments were encoded";
    case Phase::decoding_arguments:
      return "while its arguments were decoded";
    case Phase::encoding_result:
      return "while its result was encoded";
    case Phase::running:
      return "";
  }
  return "";
}

void encode_failure(Encoder& out, const TaskFailure& failure) {
  for (const std::string* text : {&failure.function, &failure.arguments, &failure.host,
                                  &failure.cause_type, &failure.cause, &failure.during})
    encode(out, *text);
  out.put(std::uint64_t{failure.index});
  out.put(failure.pid);
  out.put(failure.attempt);
  encode(out, failure.nested);
}

TaskFailure decode_failure(Decoder& in) {
  TaskFailure failure;
  for (std::string* text : {&failure.function, &failure.arguments, &failure.host,
                            &failure.cause_type, &failure.cause, &failure.during})
    *text = decode<std::string>(in);
  failure.index = static_cast<std::size_t>(in.get<std::uint64_t>());
  failure.pid = in.get<int>();
  failure.attempt = in.get<int>();
  failure.nested = decode<std::vector<std::string>>(in);
  return failure;
}

// The tasks that it has passed through, the outermost first.
void encode_tasks(Encoder& out, const std::optional<TaskError>& error) {
  if (!error) return out.put(std::uint32_t{0});
  const TaskFailure& first = error->failure();
  out.put(static_cast<std::uint32_t>(1 + first.within.size()));
  encode_failure(out, first);
  for (const TaskFailure& inner : first.within) encode_failure(out, inner);
}

std::optional<TaskError> decode_tasks(Decoder& in) {
  const auto count = in.get<std::uint32_t>();
  if (count == 0) return std::nullopt;
  TaskFailure first = decode_failure(in);
  for (std::uint32_t i = 1; i != count; ++i) first.within.push_back(decode_failure(in));
  return TaskError(std::move(first));
}

// What is known of it is written behind its size: a reader may not know the type, and the type's
// codec may fail, or write more than it reads.
void encode_contents(Encoder& out, const Thrown& thrown) {
  const bool travels = thrown.known && thrown.known->encode != nullptr;
  const std::size_t start = out.size();
  out.put(travels);
  out.put(std::uint64_t{0});
  if (!travels) return;
  const std::size_t begin = out.size();
  try {
    thrown.known->encode(thrown.known->cast(*thrown.exception), out);
    out.overwrite(start + sizeof travels, std::uint64_t{out.size() - begin});
  } catch (...) {
    out.truncate(start);
    out.put(false);
    out.put(std::uint64_t{0});
  }
}

// Inside a handler.
void encode_chain(Encoder& out, int depth) {
  const Thrown thrown = examine_current_exception();
  encode(out, thrown.mangled_type);
  encode(out, thrown.type);
  encode(out, thrown.words);
  out.put(thrown.is_task_error);
  encode_tasks(out, thrown.of_task);
  encode_contents(out, thrown);
  const bool goes_on = thrown.nested != nullptr && depth < deepest_chain;
  out.put(goes_on);
  if (!goes_on) return;
  try {
    std::rethrow_exception(thrown.nested);
  } catch (...) {
    encode_chain(out, depth + 1);
  }
}

// One of a chain, as it came.
struct ReceivedError {
  Thrown thrown;
  std::optional<Decoder> contents;
};

ReceivedError read_one(Decoder& in) {
  ReceivedError received;
  Thrown& thrown = received.thrown;
  thrown.mangled_type = decode<std::string>(in);
  thrown.type = decode<std::string>(in);
  thrown.words = decode<std::string>(in);
  thrown.is_task_error = in.get<std::uint8_t>() != 0;
  thrown.of_task = decode_tasks(in);
  const bool travels = in.get<std::uint8_t>() != 0;
  const auto bytes = static_cast<std::size_t>(in.get<std::uint64_t>());
  Decoder contents = in.part(bytes);
  thrown.known = find_known(thrown.mangled_type);
  if (travels && thrown.known && thrown.known->remake != nullptr) received.contents = contents;
  return received;
}

// Null where its type is not known here, or refuses what came.
std::exception_ptr remake(ReceivedError& received, const ExceptionDetails& details) {
  if (!received.contents) return nullptr;
  try {
    return received.thrown.known->remake(*received.contents, received.thrown.words, details);
  } catch (...) {
    return nullptr;
  }
}

std::exception_ptr decode_nested(Decoder& in, int depth) {
  if (in.get<std::uint8_t>() == 0) return nullptr;
  if (depth > deepest_chain) refuse_message("its exceptions are nested too deep");
  ReceivedError received = read_one(in);
  const Thrown& thrown = received.thrown;
  ExceptionDetails details{nullptr, decode_nested(in, depth + 1)};
  if (thrown.of_task && !thrown.is_task_error)
    details.task_error = std::make_shared<const TaskError>(*thrown.of_task);
  if (const std::exception_ptr same = remake(received, details)) return same;
  if (thrown.of_task) return make_task_error(thrown.of_task->failure(), details.nested);
  const std::string text = thrown.words.empty() ? thrown.type : thrown.type + ": " + thrown.words;
  const std::runtime_error other(text);
  if (details.nested == nullptr) return std::make_exception_ptr(other);
  return std::make_exception_ptr(Detailed<std::runtime_error>(other, details));
}

// When not even that can be written which most exceptions say.
void encode_little(Encoder& out, Phase phase) {
  out.put(phase);
  encode(out, std::string());
  encode(out, std::string("an exception"));
  encode(out, std::string());
  out.put(false);
  out.put(std::uint32_t{0});
  out.put(false);
  out.put(std::uint64_t{0});
  out.put(false);
}

}  // namespace

void encode_current_exception(Encoder& out, Phase phase) noexcept {
  const std::size_t start = out.size();
  try {
    out.put(phase);
    encode_chain(out, 1);
  } catch (...) {
    out.truncate(start);
    encode_little(out, phase);
  }
}

std::exception_ptr decode_remote_error(Decoder& in, TaskFailure& failure) {
  failure.during = text_of(in.get<Phase>());
  ReceivedError received = read_one(in);
  Thrown& thrown = received.thrown;
  thrown.nested = decode_nested(in, 2);
  describe(thrown, failure);
  if (!thrown.is_task_error) {
    const ExceptionDetails details{std::make_shared<const TaskError>(failure), thrown.nested};
    if (const std::exception_ptr same = remake(received, details)) return same;
  }
  return make_task_error(failure, thrown.nested);
}

}  // namespace paracord::detail
