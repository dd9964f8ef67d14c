#include "paracord/core/config.h"

#include "paracord/core/registry.h"
#include "paracord/core/resolve.h"
#include "paracord/core/scope.h"

namespace paracord {

namespace {

std::unique_ptr<const ParallelOptions> checked(ParallelOptions options,
                                               const ParallelOptions* enclosing) {
  detail::validate(options);
  if (options.backend)
    (void)detail::make_backend(*options.backend);  // an unknown name is an error here
  if (enclosing != nullptr) options = detail::merge(std::move(options), *enclosing);
  detail::validate(options);
  detail::check_inner_threads(options);
  return std::make_unique<const ParallelOptions>(std::move(options));
}

}  // namespace

ConfigScope::ConfigScope(ParallelOptions options)
    : merged_(checked(std::move(options), detail::this_thread_scope().config)),
      enclosing_(detail::this_thread_scope().config) {
  detail::this_thread_scope().config = merged_.get();
}

ConfigScope::~ConfigScope() {
  detail::this_thread_scope().config = enclosing_;
}

}  // namespace paracord
