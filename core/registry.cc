#include "paracord/core/registry.h"

#include <map>
#include <stdexcept>

#include "paracord/core/errors.h"
#include "paracord/core/guarded.h"

namespace paracord {

namespace {

struct Registry {
  std::map<std::string, BackendFactory> factories;
  std::string default_name = "threads";
};

detail::Guarded<Registry>& registry() {
  // Never destroyed: backends register while libraries load and are used while the program ends.
  static auto& instance = *new detail::Guarded<Registry>();
  return instance;
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty()
             ? "none; link a backend (paracord::backend_threads) and include paracord/paracord.h"
             : text;
}

}  // namespace

void register_parallel_backend(std::string name, BackendFactory factory, bool make_default) {
  if (name.empty())
    throw std::invalid_argument(
        "register_parallel_backend: the name is empty; give the backend one");
  if (!factory) {
    throw std::invalid_argument(
        "register_parallel_backend: the factory of '" + name +
        "' is null; give a callable that returns a std::unique_ptr<ParallelBackendBase>");
  }
  registry().with([&](Registry& known) {
    if (make_default) known.default_name = name;
    known.factories.insert_or_assign(std::move(name), std::move(factory));
  });
}

std::vector<std::string> parallel_backend_names() {
  return registry().with([](Registry& known) {
    std::vector<std::string> names;
    for (const auto& [name, factory] : known.factories) names.push_back(name);
    return names;
  });
}

namespace detail {

std::unique_ptr<ParallelBackendBase> make_backend(const std::string& name) {
  const BackendFactory factory = registry().with([&](Registry& known) -> BackendFactory {
    const auto found = known.factories.find(name);
    return found == known.factories.end() ? BackendFactory() : found->second;
  });
  if (!factory) {
    throw std::invalid_argument("backend: '" + name +
                                "' is not registered; known: " + listed(parallel_backend_names()));
  }
  auto backend = factory();
  if (backend == nullptr)
    throw BackendUnavailable("backend: the factory of '" + name + "' returned null");
  return backend;
}

bool is_registered(const std::string& name) {
  return registry().with([&](Registry& known) { return known.factories.contains(name); });
}

std::string default_backend_name() {
  return registry().with([](Registry& known) { return known.default_name; });
}

}  // namespace detail
}  // namespace paracord
