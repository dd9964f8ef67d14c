#include "paracord/testkit/simulated_book.h"

#include <cstring>
#include <utility>

namespace paracord::testkit {

TaskNumber SimBook::add(SimTask task) {
  tasks_.push_back(std::move(task));
  return static_cast<TaskNumber>(tasks_.size() - 1);
}

std::string SimBook::describe(TaskNumber number) const {
  const SimTask& task = tasks_[number];
  return "task " + std::to_string(number) + " (attempt " + to_string(task.attempt) + " at node " +
         std::to_string(task.holder) + ")";
}

void SimBook::begins(TaskNumber number, PeerId node, const cluster::Attempt& attempt,
                     Time assigned) {
  SimTask& task = tasks_[number];
  ++runs;
  if (task.runs++ != 0) ++reruns;
  if (task.is_wanted && !is_stale(node, attempt, assigned)) {
    const std::string again =
        ", and it runs again at node " + std::to_string(node) + " as " + to_string(attempt);
    if (task.deliveries != 0)
      world_.fail("the client has the result of " + describe(number) + again);
    else if (task.is_finished && !is_excused(task))
      world_.fail(describe(number) + " is finished there" + again);
  }
  if (!task.is_finished) task.attempt = attempt;
}

void SimBook::ends(TaskNumber number, PeerId node, const cluster::Attempt& attempt, Time assigned) {
  SimTask& task = tasks_[number];
  task.is_finished = true;
  task.holder = node;
  task.attempt = attempt;
  task.assigned = assigned;
}

void SimBook::delivered(TaskNumber number) {
  ++deliveries;
  if (++tasks_[number].deliveries != 1)
    world_.fail(describe(number) + " was delivered more than once");
}

void SimBook::dropped(TaskNumber number) {
  tasks_[number].is_finished = false;
}

void SimBook::released(TaskNumber number, PeerId node, const cluster::Attempt& attempt) {
  SimTask& task = tasks_[number];
  if (!task.is_finished || task.holder != node || task.attempt != attempt) return;
  task.is_finished = false;
  if (task.is_wanted && task.deliveries == 0 && !is_excused(task))
    world_.fail("the result of " + describe(number) +
                " was let go of, and its client waits for it");
}

cluster::Bytes encode_tasks(const std::vector<TaskNumber>& tasks, const cluster::Attempt& attempt,
                            std::size_t padding) {
  const std::uint64_t head[] = {attempt.epoch, attempt.counter, tasks.size()};
  const std::size_t bytes = tasks.size() * sizeof(TaskNumber);
  std::string text(sizeof(head) + bytes + padding, ' ');
  std::memcpy(text.data(), head, sizeof(head));
  if (bytes != 0) std::memcpy(text.data() + sizeof(head), tasks.data(), bytes);
  return std::make_shared<const std::string>(std::move(text));
}

std::vector<TaskNumber> decode_tasks(const cluster::Bytes& payload, cluster::Attempt* attempt) {
  std::uint64_t head[3];
  std::memcpy(head, payload->data(), sizeof(head));
  if (attempt != nullptr) *attempt = {head[0], head[1]};
  std::vector<TaskNumber> tasks(head[2]);
  if (!tasks.empty())
    std::memcpy(tasks.data(), payload->data() + sizeof(head), tasks.size() * sizeof(TaskNumber));
  return tasks;
}

std::string to_string(const cluster::Attempt& attempt) {
  return std::to_string(attempt.epoch) + "." + std::to_string(attempt.counter & 0xffffffff) + "/" +
         std::to_string(attempt.counter >> 32);
}

}  // namespace paracord::testkit
