#include "paracord/testkit/random/subjects.h"

#include "paracord/core/registry.h"
#include "paracord/testkit/random/function.h"

namespace paracord::testkit::random {

Setting setting_of(const std::string& backend, const std::vector<Subject>& subjects,
                   const RandomCallsOptions& options) {
  Setting setting;
  setting.functions = pool().size();
  setting.disturbed = options.disturbed;
  setting.max_bytes = static_cast<std::size_t>(options.max_bytes);
  for (const Subject& subject : subjects) register_parallel_backend(subject.name, subject.factory);
  if (backend == "mixed") {
    setting.backends = {"threads", "processes", "zeromq", "sequential"};
    for (const Subject& subject : subjects) setting.backends.push_back(subject.name);
  } else {
    setting.backends = {backend};
  }
  for (const std::string& name : setting.backends) {
    const bool shared = paracord::detail::make_backend(name)->capabilities().shared_memory;
    setting.share_memory.push_back(shared);
    setting.shared_memory = setting.shared_memory || shared;
  }
  // Empty: the backend that nested calls have by themselves.
  setting.nested = {"", "threads", "sequential", "processes", setting.backends.front()};
  return setting;
}

Plan plan_of(std::uint64_t seed, const Setting& setting, const RandomCallsOptions& options) {
  Plan plan = draw_plan(seed, setting);
  change(plan, options.changes);
  return plan;
}

std::string replay_line(const std::string& backend, const Plan& plan, const Setting& setting,
                        const RandomCallsOptions& options) {
  std::string line = "--backend " + backend + " --seed " + std::to_string(plan.seed) + " --count 1";
  if (options.disturbed) line += " --disturbed";
  if (options.max_bytes != RandomCallsOptions().max_bytes)
    line += " --max-bytes " + std::to_string(options.max_bytes);
  const std::string changes = changes_of(plan, setting);
  if (!changes.empty()) line += " --set " + changes;
  return line;
}

}  // namespace paracord::testkit::random
