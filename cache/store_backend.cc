#include "paracord/cache/store_backend.h"

#include <stdexcept>

#include "paracord/cache/local_store.h"
#include "paracord/core/guarded.h"

namespace paracord {

namespace {

using Stores = std::map<std::string, MakeStore>;

std::shared_ptr<StoreBackend> make_local(const StoreOptions& options) {
  if (!options.options.empty()) {
    throw std::invalid_argument("the store 'local' has no option '" +
                                options.options.begin()->first + "'; it has none at all");
  }
  return std::make_shared<detail::LocalStore>(options.location);
}

detail::Guarded<Stores>& stores() {
  static auto& all = *new detail::Guarded<Stores>(std::pair("local", &make_local));
  return all;
}

}  // namespace

void register_store_backend(const std::string& name, MakeStore make, bool replace) {
  if (name.empty() || make == nullptr)
    throw std::invalid_argument("a store needs a name, and a function that makes it");
  stores().with([&](Stores& all) {
    if (!replace && all.contains(name)) {
      throw std::invalid_argument("there is a store '" + name +
                                  "'; choose another name, or pass replace = true");
    }
    all.insert_or_assign(name, make);
  });
}

namespace detail {

std::shared_ptr<StoreBackend> make_store(const std::string& name, const StoreOptions& options) {
  const MakeStore make = stores().with([&](const Stores& all) {
    const auto found = all.find(name);
    if (found != all.end()) return found->second;
    std::string known;
    for (const auto& [other, function] : all) known += (known.empty() ? "" : ", ") + other;
    throw std::invalid_argument("there is no store '" + name + "' for the cache in '" +
                                options.location + "'; there are: " + known);
  });
  return make(options);
}

}  // namespace detail
}  // namespace paracord
