#include "paracord/testkit/message_names.h"

#include <array>
#include <variant>

#include "paracord/testkit/simulated_book.h"

namespace paracord::testkit {

namespace {

using namespace cluster;

constexpr std::array names = {
    "Heartbeat",      "Goodbye",     "ClientHello", "OpenCall",      "Submit",    "CancelCall",
    "CloseCall",      "Acknowledge", "Waiting",     "ToCome",        "NodeHello", "Results",
    "BatchOver",      "HaveObjects", "DropObjects", "Drain",         "Welcome",   "Refuse",
    "Resync",         "CallOpened",  "NodeJoined",  "NodeGone",      "Assigned",  "Returned",
    "Slots",          "NodeCall",    "Assign",      "CancelAttempt", "Retract",   "Lend",
    "NodeCallClosed", "ClientGone",  "SendAgain",   "Query",         "Answer",    "TaskOutput",
    "NodeReport"};
static_assert(names.size() == std::variant_size_v<Message>);

template <class Known>
std::string details(const Known& message) {
  std::string text;
  if constexpr (requires { message.client; }) text += " of " + std::to_string(message.client);
  if constexpr (requires { message.call + 0; }) text += " call " + std::to_string(message.call);
  if constexpr (requires { message.batch + 0; }) text += " batch " + std::to_string(message.batch);
  if constexpr (requires { message.batch.batch; })
    text += " batch " + std::to_string(message.batch.batch);
  if constexpr (requires { message.attempt.epoch; }) text += " as " + to_string(message.attempt);
  if constexpr (requires { message.tasks.size(); })
    text += " " + std::to_string(message.tasks.size()) + " tasks";
  if constexpr (requires { message.begins; }) text += message.begins ? " begins" : " ends";
  if constexpr (requires { message.lost; }) text += message.lost ? " lost" : "";
  if constexpr (requires { message.next + 0; }) text += " next " + std::to_string(message.next);
  return text;
}

}  // namespace

std::string describe(const Packet& packet) {
  std::string text = std::to_string(packet.session) + ":" + std::to_string(packet.sequence);
  for (const Message& message : packet.messages) {
    text += std::string(" [") + names[message.index()] +
            std::visit([](const auto& known) { return details(known); }, message) + "]";
  }
  return text;
}

}  // namespace paracord::testkit
