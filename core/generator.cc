#include "paracord/core/generator.h"

#include "paracord/core/generator_call.h"

namespace paracord::detail {

GeneratorHandle::GeneratorHandle(std::shared_ptr<Session> session, std::unique_ptr<TaskRange> tasks,
                                 bool ordered)
    : tasks_(std::move(tasks)),
      call_(std::make_unique<GeneratorCall>(std::move(session), *tasks_, ordered)) {}
GeneratorHandle::GeneratorHandle(GeneratorHandle&&) noexcept = default;
GeneratorHandle& GeneratorHandle::operator=(GeneratorHandle&& other) noexcept {
  call_ = std::move(other.call_);  // first: it uses its tasks to the last
  tasks_ = std::move(other.tasks_);
  return *this;
}
GeneratorHandle::~GeneratorHandle() = default;

void* GeneratorHandle::next() {
  return call_ == nullptr ? nullptr : call_->next();
}

}  // namespace paracord::detail
